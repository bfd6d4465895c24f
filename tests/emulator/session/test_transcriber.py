"""The model that only transcribes, on imagined time."""

from typing import Any

import pytest

from gemini_live_emulator.protocol.outputs import Close
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.session.simulated_client import LOUD, SILENT, Seen, SimulatedClient

MODEL = "models/gemini-3.5-transcribe-live"
TEXT: dict[str, Any] = {"responseModalities": ["TEXT"]}
SAID = "My name is Bruce and I live in a small town."


def transcriber(
    asked: dict[str, Any] | None = None, manual: bool = True, pace: float | None = None, **rules: Any
) -> SimulatedClient:
    examiner = {"heard": [SAID, "It is quiet."], "words_per_second": pace}
    it = SimulatedClient(Scenario.load("scripted").changed(examiner=examiner, **rules))
    return it.set_up(MODEL, manual=manual, generationConfig=TEXT, inputAudioTranscription=asked or {})


def told(seen: list[Seen]) -> list[tuple[str, str]]:
    """The transcripts among these messages, in order."""
    contents = [one.message.get("serverContent", {}) for one in seen]
    names = ("interimInputTranscription", "inputTranscription")
    return [(name, content[name]["text"]) for content in contents for name in names if name in content]


def test_each_interim_text_is_the_whole_so_far_and_the_final_one_comes_262_ms_after_the_window() -> None:
    it = transcriber(pace=2.0)
    during = told(it.say(5))
    assert {name for name, _ in during} == {"interimInputTranscription"}
    texts = [text for _, text in during]
    assert texts == [" ".join(SAID.split()[: n + 1]) for n in range(len(texts))]
    assert len(texts) >= 9
    ended = it.now
    final = it.until("inputTranscription")
    assert final.at - ended == pytest.approx(0.262)
    assert told([final]) == [("inputTranscription", texts[-1])]
    assert it.seen[-1].message == {"serverContent": {"generationComplete": True}}


def test_it_says_nothing_completes_no_turn_and_reports_no_usage() -> None:
    it = transcriber()
    for _ in range(3):
        it.say(2)
        it.wait(5)
    it.realtime(text="Hello?")
    it.wait(5)
    assert len(it.content("generationComplete")) == 3
    for never in ("modelTurn", "outputTranscription", "turnComplete", "interrupted", "usageMetadata"):
        assert it.carrying(never) == []
    assert len(it.events("window.closed")) == 3


def test_each_window_has_a_text_of_its_own_also_when_they_follow_at_once() -> None:
    it = transcriber()
    it.say(2)
    it.say(1)
    it.say(1)
    it.wait(1)
    finals = [text for name, text in told(it.seen) if name == "inputTranscription"]
    assert finals == [SAID, "It is quiet.", "(1.0 s of speech)"]


def test_the_stall_of_long_windows_is_not_its_own() -> None:
    it = transcriber(pace=2.0, transcription={"stall_after": 1.0})
    it.say(6)
    it.wait(1)
    assert it.text("inputTranscription") == SAID


def test_a_silent_window_draws_nothing_but_the_end_of_the_activity() -> None:
    it = SimulatedClient(Scenario.load("plain")).set_up(MODEL, generationConfig=TEXT, inputAudioTranscription={})
    it.say(3, SILENT)
    seen = [one.message for one in it.seen[1:]]
    it.wait(30)
    assert [one.message for one in it.seen[1:]] == seen
    assert seen == [
        {"serverContent": {}, "voiceActivity": {"type": "ACTIVITY_START", "audioOffset": "0s"}},
        {"serverContent": {}, "voiceActivity": {"type": "ACTIVITY_END", "audioOffset": "3s"}},
    ]


def test_it_finds_the_end_of_an_utterance_itself_after_a_second_and_a_half() -> None:
    it = transcriber(manual=False)
    it.stream(2, LOUD)
    it.stream(1.2, SILENT)
    assert told(it.seen) == []
    it.stream(0.8, SILENT)
    assert ("inputTranscription", SAID) in told(it.seen)


def test_the_end_of_the_stream_ends_an_utterance_at_once() -> None:
    it = transcriber(manual=False)
    it.stream(2, LOUD)
    ended = it.now
    it.realtime(audioStreamEnd=True)
    assert it.until("inputTranscription").at - ended == pytest.approx(0.262)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"languageAuto": {}, "mode": "VERBATIM"},
        {"language_hints": {"language_codes": ["en-US"]}, "adaptation_phrases": ["oatmilk"], "mode": "SMART"},
        {"languageCodes": ["en-US"], "customVocabulary": ["oatmilk"], "mode": "verbatim"},
    ],
)
def test_what_clients_ask_of_a_transcription_is_accepted(asked: dict[str, Any]) -> None:
    it = transcriber(asked)
    assert it.closed is None
    it.say(2)
    it.wait(1)
    assert it.text("inputTranscription") == SAID


def test_an_unknown_mode_is_refused() -> None:
    it = SimulatedClient().set_up(MODEL, generationConfig=TEXT, inputAudioTranscription={"mode": "LOOSE"})
    assert isinstance(it.closed, Close)
    assert it.closed.code == 1007
    assert "input_audio_transcription.mode" in it.closed.reason


def test_it_answers_in_text_only() -> None:
    assert SimulatedClient().set_up(MODEL).closed == Close(1007, "Request contains an invalid argument.")


def test_its_connection_ends_after_ten_minutes_with_notice() -> None:
    it = transcriber()
    assert it.until("goAway", limit=600).at == 550
    it.wait(60)
    assert it.closed == Close(1008, "The operation was aborted.")
