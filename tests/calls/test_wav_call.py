"""Whole exams with a recording as the candidate, against the emulator in a process of its own."""

import wave
from pathlib import Path

import numpy as np
import pytest
import soxr

from core.events import (
    CallEnded,
    ConnectionDialed,
    ConnectionLost,
    ConnectionOpened,
    Event,
    ReplyStarted,
    ScoreAsked,
    TurnFlushed,
    TurnSent,
    UsageReported,
)
from pipeline.config.loading import load
from pipeline.runtime import Running
from processors.gemini_live.farewell import read_farewell
from support.calls import CONFIGS, SHORT, CallResult, config, hold
from support.clips import ANSWERS

pytestmark = pytest.mark.real_time

FILES = [answer.path for answer in ANSWERS]
BANDS = {"fluency": 6.5, "vocabulary": 6.0, "grammar": 6.0, "pronunciation": 7.0, "overall": 6.5}


def scored(result: CallResult, source: str) -> None:
    assert result.scores() == {name: (value, source) for name, value in BANDS.items()}
    assert result.record.scored == "complete"


async def test_an_exam_in_which_the_examiner_really_listens_and_speaks(tmp_path: Path) -> None:
    questions = ["What is your name, and where do you live?", "What is your town like?"]
    examiner = SHORT | {"kind": "speaking", "questions": questions}
    result = await hold(config(tmp_path, examiner), FILES[:2], record=tmp_path / "both.wav")
    scored(result, "call")
    for question in questions:
        assert question in result.said("examiner")
    for answer in ANSWERS[:2]:
        assert all(word.lower() in result.said("caller").lower() for word in answer.words)
    assert result.record.usd is not None and result.record.usd > 0
    assert result.record.why == "completed" and result.record.state == "closed"
    assert len(result.of(ReplyStarted)) == 2 and result.record.latency_p50 is not None
    order = [u.speaker for u in result.record.utterances]
    assert order[:4] == ["examiner", "caller", "examiner", "caller"]
    with wave.open(str(tmp_path / "both.wav")) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2).astype(float)
    loud = np.sqrt((both**2).mean(axis=0))
    assert (loud > 300).all(), "both sides are in the recording"


async def test_the_record_and_the_truth_agree_to_the_sample_and_to_the_token(tmp_path: Path) -> None:
    file = config(tmp_path, manual_vad__flush_after=3, manual_vad__flush="timer")
    result = await hold(file, FILES[:2])
    windows = [line for line in result.truth if line["what"] == "window.closed" and line["samples"]]
    assert sum(line["samples"] for line in windows) == sum(sent.samples for sent in result.of(TurnSent)) > 10 * 16000
    assert len(windows) == len(result.of(TurnSent)) + len(result.of(TurnFlushed))
    assert not [line for line in result.truth if line["what"] == "audio.discarded"]
    bills = [line["bill"] for line in result.truth if line["what"] == "turn.ended" and line["bill"]]
    assert len(bills) == len(result.of(UsageReported))
    assert sum(sum(_numbers(bill)) for bill in bills) == result.record.tokens


def _numbers(value: object) -> list[int]:
    """The token counts of a bill, by modality, without its sums."""
    if isinstance(value, dict):
        return [n for key, part in value.items() if "total" not in key for n in _numbers(part)]
    return [value] if isinstance(value, int) else []


async def test_the_reports_own_model_and_settings_hold_an_exam(tmp_path: Path) -> None:
    report = load(CONFIGS / "native-audio-2.5.yaml", {"GEMINI_API_KEY": "none"}).stage("gemini_live")
    settings = report.redacted()
    keys = ("model", "temperature", "voice", "thinking_budget", "compression", "resumption")
    file = config(
        tmp_path,
        manual_vad__flush_after=3,
        manual_vad__flush="timer",
        **{f"gemini_live__{key}": settings[key] for key in keys},
    )
    result = await hold(file, FILES[:2])
    scored(result, "call")
    assert result.record.model == "gemini-2.5-flash-native-audio-preview-12-2025"
    assert len(result.of(TurnFlushed)) > 2
    setup = next(line["setup"] for line in result.truth if line["what"] == "setup")
    assert setup["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 1024}


async def test_a_connection_cut_in_mid_answer_loses_no_word(tmp_path: Path) -> None:
    fault = {"fault": "internal_error", "after": 8.0, "connection": 1}
    result = await hold(config(tmp_path, scenario={"faults": [fault]}), FILES[:2])
    scored(result, "call")
    [lost] = result.of(ConnectionLost)
    assert (lost.code, lost.action) == (1011, "resume")
    assert [dial.resumed for dial in result.of(ConnectionDialed)] == [False, True]
    for heard in SHORT["heard"]:
        assert heard in result.said("caller")


async def test_a_refused_key_ends_the_call_at_once_and_says_why(tmp_path: Path) -> None:
    result = await hold(config(tmp_path, scenario={"faults": [{"fault": "key_invalid"}]}), FILES[:1])
    assert result.record.why == "connection given up"
    assert "check the key" in (result.record.detail or "")
    assert len(result.of(ConnectionDialed)) == 1
    assert {score.value for score in result.record.scores} == {None}


async def test_a_caller_hears_a_goodbye_when_the_service_is_given_up(tmp_path: Path) -> None:
    heard = tmp_path / "heard.wav"
    await hold(config(tmp_path, scenario={"faults": [{"fault": "key_invalid"}]}), FILES[:1], record=heard)
    with wave.open(str(heard), "rb") as file:
        examiner = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)[:, 1].astype(float)
    pcm, rate = read_farewell(CONFIGS / "farewell.wav")
    goodbye = soxr.resample(np.frombuffer(pcm, np.int16).astype(float), rate, 24000)
    assert np.square(examiner).sum() == pytest.approx(np.square(goodbye).sum(), rel=0.02), "from first word to last"


async def test_a_service_that_is_down_is_tried_four_times_and_given_up(tmp_path: Path) -> None:
    file = config(tmp_path, scenario={"faults": [{"fault": "refuse_503"}]}, gemini_live__backoff=[0.1, 0.2, 0.4])
    result = await hold(file, FILES[:1])
    assert result.record.why == "connection given up"
    assert [dial.attempt for dial in result.of(ConnectionDialed)] == [1, 2, 3, 4]
    assert {lost.code for lost in result.of(ConnectionLost)} == {503}
    assert result.of(ConnectionOpened) == []


async def test_scores_that_never_come_are_asked_for_and_then_read_from_the_transcript(tmp_path: Path) -> None:
    ending = {"speak": "two", "call": "none"}
    file = config(tmp_path, SHORT | {"ending": ending}, scoring__score_timeout=1.5, scoring__max_requests=1)
    result = await hold(file, FILES[:2])
    assert result.record.scored == "complete"
    sources = {source for _, source in result.scores().values()}
    assert sources == {"speech", "text"}
    assert result.of(ScoreAsked)[0].missing
    assert {usage.model for usage in result.of(UsageReported)} == {"gemini-3.8-live", "gemini-2.5-flash"}


async def test_a_caller_who_hangs_up_in_mid_answer_is_heard_to_the_last_word(tmp_path: Path) -> None:
    def leave(there: Running, event: Event) -> None:
        if isinstance(event, TurnFlushed):
            for session in there.host.sessions:
                session.finish("caller left")

    file = config(tmp_path, manual_vad__flush_after=3, manual_vad__flush="timer")
    result = await hold(file, FILES[:1], during=leave)
    assert result.record.state == "closed" and result.record.why == "caller left"
    assert SHORT["heard"][0] in result.said("caller")
    assert isinstance(result.events[-1], CallEnded)


async def test_a_call_that_is_too_dear_is_brought_to_its_end(tmp_path: Path) -> None:
    result = await hold(config(tmp_path, budget={"usd": 0.0001, "minutes": 5}), FILES[:1])
    assert result.record.why == "budget"


async def test_a_call_that_is_too_long_is_brought_to_its_end(tmp_path: Path) -> None:
    result = await hold(config(tmp_path, budget={"minutes": 0.1}), FILES[:2])
    assert result.record.why == "time limit" and result.record.detail == "0.1 minutes"
