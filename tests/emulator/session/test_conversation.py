"""What the service does with what a client says, on imagined time."""

from typing import Any

import pytest

from gemini_live_emulator.protocol.outputs import Close
from gemini_live_emulator.protocol.wire import base64_of
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.session.simulated_client import LOUD, MODEL, SILENT, SimulatedClient

BLOCKING = {"name": "report_score", "parameters": {"properties": {"overall": {"type": "NUMBER"}}}}
TOOLS = [{"functionDeclarations": [BLOCKING]}]
BOTH: dict[str, Any] = {"inputAudioTranscription": {}, "outputAudioTranscription": {}}
LIVE_38 = "models/gemini-3.8-live"
LIVE_31 = "models/gemini-3.1-flash-live-preview"
THINKING = "models/gemini-3.8-live-extended-thinking"
THREAD = Close(
    1011,
    "Thread was cancelled when writing StartStep status to channel.; "
    "Failed to close the streaming context; status = CANCELLED:",
)
EXPIRED = Close(1011, "Deadline expired before operation could complete.")
ABORTED = Close(1008, "The operation was aborted.")
ONE_QUESTION: dict[str, Any] = {"questions": ["What is your name?"], "heard": ["My name is Bruce."]}


def scripted(**changes: Any) -> SimulatedClient:
    return SimulatedClient(Scenario.load("scripted").changed(**changes))


def begun(model: str = MODEL, **setup: Any) -> SimulatedClient:
    it = SimulatedClient().set_up(model, **BOTH, **setup)
    if model == MODEL:
        it.begin()
    else:
        it.realtime(text="Begin.")
    it.turn()
    return it


def at_the_call(model: str = MODEL, **setup: Any) -> SimulatedClient:
    it = scripted(examiner=ONE_QUESTION).set_up(model, tools=TOOLS, **BOTH, **setup)
    it.realtime(text="Begin.")
    it.turn()
    it.say(2)
    it.until("toolCall")
    return it


def calls(it: SimulatedClient) -> list[dict[str, Any]]:
    return [call for seen in it.carrying("toolCall") for call in seen.message["toolCall"]["functionCalls"]]


def respond(it: SimulatedClient, **more: Any) -> None:
    call = calls(it)[-1]
    response = {"id": call["id"], "name": call["name"], "response": {"status": "ok"}} | more
    it.send({"toolResponse": {"functionResponses": [response]}})


def order(it: SimulatedClient) -> list[str]:
    """Name the messages in order, several of a kind in a row as one."""
    found: list[str] = []
    for seen in it.seen:
        name = "+".join(sorted(seen.names - {"serverContent", "modelTurn"}))
        if found[-1:] != [name]:
            found.append(name)
    return found


# Setup


def test_setup_is_answered_with_setup_complete() -> None:
    assert [seen.message for seen in SimulatedClient().set_up().seen] == [{"setupComplete": {}}]


def test_setup_complete_may_name_the_session() -> None:
    assert scripted(wire={"session_id": True}).set_up().seen[0].message["setupComplete"]["sessionId"]


@pytest.mark.parametrize(
    "message",
    [
        {"realtimeInput": {"text": "hello"}},
        {"clientContent": {}},
        {"toolResponse": {}},
        {},
    ],
)
def test_anything_before_the_setup_is_refused(message: Any) -> None:
    it = SimulatedClient()
    it.send(message)
    assert isinstance(it.closed, Close)
    assert it.closed.code == 1007


def test_the_order_is_named_in_the_reason() -> None:
    it = SimulatedClient()
    it.send({"realtimeInput": {"text": "hello"}})
    assert it.closed == Close(1007, "setup must be the first message and only the first")


def test_a_second_setup_is_refused() -> None:
    it = SimulatedClient().set_up()
    it.set_up()
    assert it.closed == Close(1007, "setup must be the first message and only the first")


def test_two_messages_in_one_are_refused() -> None:
    it = SimulatedClient().set_up()
    it.send({"realtimeInput": {}, "clientContent": {}})
    assert it.closed == Close(1007, "Request contains an invalid argument.")


def test_a_client_that_never_sets_up_is_closed() -> None:
    it = SimulatedClient()
    it.wait(61)
    assert isinstance(it.closed, Close)


def test_an_unknown_model_is_refused_with_the_version() -> None:
    it = SimulatedClient(version="v1alpha").set_up("models/gemini-9")
    assert it.closed == Close(
        1008,
        "models/gemini-9 is not found for API version v1alpha, or is not supported for bidiGenerateContent",
    )


@pytest.mark.parametrize(
    ("model", "setup", "reason"),
    [
        (
            MODEL,
            {"generationConfig": {"responseModalities": ["TEXT"]}},
            "Cannot extract voices from a non-audio request.",
        ),
        (
            MODEL,
            {"generationConfig": {"responseModalities": ["AUDIO", "TEXT"]}},
            "Request contains an invalid argument.",
        ),
        (MODEL, {"explicitVadSignal": True}, "Request contains an invalid argument."),
        (MODEL, {"sessionResumption": {"transparent": True}}, "Request contains an invalid argument."),
        (MODEL, {"sessionResumption": {"handle": None}}, "Request contains an invalid argument."),
        (
            MODEL,
            {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW"}}},
            "Request contains an invalid argument.",
        ),
        (LIVE_31, {"proactivity": {"proactiveAudio": True}}, "Request contains an invalid argument."),
        (THINKING, {}, "Request contains an invalid argument."),
        (
            THINKING,
            {"generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}},
            "Request contains an invalid argument.",
        ),
        (
            MODEL,
            {"toolConfig": {}},
            "Invalid JSON payload received. Unknown name \"toolConfig\" at 'setup': Cannot find field.",
        ),
    ],
)
def test_a_setup_that_the_model_cannot_take_is_refused(model: str, setup: Any, reason: str) -> None:
    assert SimulatedClient().set_up(model, **setup).closed == Close(1007, reason)


@pytest.mark.parametrize(
    "setup",
    [
        {"generationConfig": {"enableAffectiveDialog": True, "thinkingConfig": {"thinkingBudget": 0}}},
        {"proactivity": {}},
    ],
)
def test_2_5_takes_what_only_it_can(setup: Any) -> None:
    assert SimulatedClient().set_up(**setup).closed is None


# Turns


def test_the_first_content_makes_the_examiner_greet() -> None:
    it = begun()
    assert it.text() == "Hello, and welcome. What is your name, and where do you live?"


def test_a_turn_comes_in_the_order_that_was_captured() -> None:
    it = begun(sessionResumption={})
    assert order(it)[:1] == ["setupComplete"]
    assert order(it)[1:3] == ["sessionResumptionUpdate", "audio"]
    assert order(it)[-2:] == ["turnComplete+usageMetadata", "sessionResumptionUpdate"]
    assert order(it)[-3] == "generationComplete"


def test_audio_is_faster_than_real_time_and_turn_complete_waits_for_playback() -> None:
    it = begun()
    first, last = it.carrying("audio")[0].at, it.carrying("audio")[-1].at
    seconds = sum(len(part) for part in audio(it)) / 48_000
    assert last - first < seconds / 3
    assert it.carrying("generationComplete")[0].at == last
    assert it.carrying("turnComplete")[0].at == pytest.approx(first + seconds, abs=0.01)


def audio(it: SimulatedClient) -> list[bytes]:
    from gemini_live_emulator.protocol.wire import unbase64

    return [unbase64(turn["parts"][0]["inlineData"]["data"]) for turn in it.content("modelTurn")]


def test_audio_comes_in_the_chunks_that_were_captured() -> None:
    sizes = [len(chunk) for chunk in audio(begun())]
    assert sizes[0] == 9_600
    assert set(sizes[1:-1]) == {11_520}
    assert sizes[-1] <= 11_520
    assert all(size % 1_920 == 0 for size in sizes)
    assert begun().content("modelTurn")[0]["parts"][0]["inlineData"]["mimeType"] == "audio/pcm;rate=24000"


def test_from_3_1_on_audio_and_words_share_a_message() -> None:
    assert any({"audio", "outputTranscription"} <= seen.names for seen in begun(LIVE_31).seen)
    assert not any({"audio", "outputTranscription"} <= seen.names for seen in begun().seen)


def test_the_whole_exam_is_spoken_and_scored() -> None:
    it = begun(tools=TOOLS)
    for _ in range(2):
        it.say(2)
        it.turn()
    it.say(2)
    it.until("toolCall")
    respond(it)
    it.turn()
    it.turn()
    assert it.text().endswith("and overall 6.5. Goodbye.")
    assert [call["args"] for call in calls(it)] == [{"overall": 6.5}]


def test_an_id_of_a_call_looks_like_the_service_s() -> None:
    assert calls(at_the_call())[0]["id"].removeprefix("function-call-").isdigit()


def test_audio_outside_a_window_is_thrown_away() -> None:
    it = begun()
    it.stream(1)
    it.say(1)
    it.wait(1)
    assert it.events("audio.discarded") == [{"samples": 16_000}]
    assert [fact["samples"] for fact in it.events("window.closed")] == [16_000]


@pytest.mark.parametrize("how", ["leave", "close"])
def test_a_window_left_open_is_in_the_truth(how: str) -> None:
    it = begun()
    it.stream(1)
    it.realtime(activityStart={})
    it.stream(2)
    if how == "leave":
        it.leave()
    else:
        it.set_up()
    assert it.events("audio.discarded") == [{"samples": 16_000}]
    assert [(fact["samples"], fact["whole"]) for fact in it.events("window.closed")] == [(32_000, False)]


def test_a_flush_starts_a_reply_and_interrupts_it_and_costs_a_turn() -> None:
    it = begun()
    before = len(it.seen)
    it.realtime(activityStart={})
    it.stream(2)
    it.realtime(activityEnd={})
    it.realtime(activityStart={})
    flushed = [seen.message for seen in it.seen[before:] if "inputTranscription" not in seen.names]
    assert [message["serverContent"] for message in flushed] == [{"interrupted": True}, {"turnComplete": True}]
    assert flushed[1]["usageMetadata"]["promptTokensDetails"][1] == {"modality": "AUDIO", "tokenCount": 50 + 111}


def test_an_answer_goes_on_across_a_flush() -> None:
    it = scripted(examiner={"heard": [], "questions": ["Why?", "How?"]}).set_up(**BOTH)
    it.begin()
    it.turn()
    it.realtime(activityStart={})
    it.stream(2)
    it.realtime(activityEnd={})
    it.realtime(activityStart={})
    it.stream(1)
    it.realtime(activityEnd={})
    it.turn()
    assert it.events("turn.started")[-1]["heard"] == "(2.0 s of speech) (1.0 s of speech)"
    assert it.text().endswith("How?")


def test_without_charges_for_cut_replies_a_flush_is_free() -> None:
    it = scripted(model={"charges_cut": False}).set_up()
    it.realtime(activityStart={})
    it.stream(1)
    it.realtime(activityEnd={})
    it.realtime(activityStart={})
    assert "usageMetadata" not in it.carrying("turnComplete")[0].message


def test_a_flushed_reply_may_leak_some_audio() -> None:
    it = scripted(model={"leaks": 2}).set_up()
    for field in ("activityStart", "activityEnd", "activityStart"):
        it.realtime(**{field: {}})
    assert order(it)[1:] == ["audio", "interrupted", "turnComplete+usageMetadata"]


def test_speaking_interrupts_the_model_and_only_what_was_sent_stays_in_the_context() -> None:
    it = SimulatedClient().set_up(**BOTH)
    it.begin()
    it.until("audio")
    it.realtime(activityStart={})
    assert [seen.message["serverContent"] for seen in it.seen[-2:]] == [{"interrupted": True}, {"turnComplete": True}]
    assert it.carrying("generationComplete") == []
    assert it.carrying("turnComplete")[0].message["usageMetadata"]["responseTokenCount"] == 5  # 0.2 s
    it.wait(30)
    assert len(it.carrying("audio")) == 1


def test_speaking_during_playback_interrupts_too() -> None:
    it = SimulatedClient().set_up()
    it.begin()
    it.until("generationComplete")
    it.realtime(activityStart={})
    assert "interrupted" in it.seen[-2].names


def test_with_no_interruption_the_reply_plays_on_and_the_next_follows() -> None:
    realtime = {"automaticActivityDetection": {"disabled": True}, "activityHandling": "NO_INTERRUPTION"}
    it = SimulatedClient().set_up(realtimeInputConfig=realtime, **BOTH)
    it.begin()
    it.until("audio")
    it.say(1)
    it.turn()
    it.turn()
    assert it.carrying("interrupted") == []
    assert it.text().endswith("What is your town like?")


def test_activity_signals_need_manual_detection() -> None:
    it = SimulatedClient().set_up(manual=False)
    it.realtime(activityStart={})
    assert it.closed == Close(
        1007, "Explicit activity control is not supported when automatic activity detection is enabled."
    )


def test_automatic_detection_finds_the_turn_in_the_audio() -> None:
    it = SimulatedClient().set_up(manual=False, **BOTH)
    it.stream(1, SILENT)
    it.stream(2)
    it.stream(1, SILENT)
    it.turn()
    assert it.text("inputTranscription")
    assert 2.0 <= it.events("window.closed")[0]["samples"] / 16_000 <= 3.1


def test_without_silence_the_automatic_turn_stays_open() -> None:
    it = SimulatedClient().set_up(manual=False)
    it.stream(2)
    it.wait(60)
    assert it.carrying("turnComplete") == []


def test_the_end_of_the_stream_ends_the_automatic_turn() -> None:
    it = SimulatedClient().set_up(manual=False)
    it.stream(2)
    it.realtime(audioStreamEnd=True)
    it.turn()


def test_automatic_detection_bills_the_silence_it_was_sent() -> None:
    it = SimulatedClient().set_up(manual=False)
    it.stream(4, SILENT)
    it.stream(2)
    it.stream(1, SILENT)
    it.turn()
    assert it.events("turn.ended")[0]["bill"]["prompt"]["AUDIO"] >= 160


def test_automatic_speech_interrupts() -> None:
    it = SimulatedClient().set_up(manual=False)
    it.realtime(text="Begin.")
    it.until("audio")
    it.stream(1)
    assert len(it.carrying("interrupted")) == 1


def test_audio_of_another_rate_has_its_own_length() -> None:
    it = scripted(examiner={"heard": []}).set_up(**BOTH)
    it.realtime(activityStart={})
    it.audio(LOUD * 10, rate=8_000)
    it.realtime(activityEnd={})
    it.wait(1)
    assert it.text("inputTranscription") == "(2.0 s of speech)"


def test_audio_that_is_not_pcm_is_refused() -> None:
    it = SimulatedClient().set_up()
    it.realtime(audio={"data": base64_of(b"xx"), "mimeType": "audio/webm"})
    assert it.closed == Close(1007, "Request contains an invalid argument.")


def test_a_picture_costs_tokens() -> None:
    it = SimulatedClient().set_up()
    it.realtime(video={"data": base64_of(b"xx"), "mimeType": "image/jpeg"})
    it.begin()
    it.turn()
    assert it.events("turn.ended")[0]["bill"]["prompt"]["IMAGE"] == 258


def test_text_in_a_window_waits_for_its_end() -> None:
    it = SimulatedClient().set_up()
    it.realtime(activityStart={})
    it.realtime(text="Begin.")
    it.wait(5)
    assert it.carrying("audio") == []
    it.realtime(activityEnd={})
    it.turn()


def test_media_chunks_are_accepted_by_2_5_and_refused_later() -> None:
    chunk = [{"data": base64_of(LOUD), "mimeType": "audio/pcm;rate=16000"}]
    it = SimulatedClient().set_up()
    it.realtime(activityStart={})
    it.realtime(mediaChunks=chunk)
    it.realtime(activityEnd={})
    assert it.events("window.closed")[0]["samples"] == 1_600
    later = SimulatedClient().set_up(LIVE_31)
    later.realtime(mediaChunks=chunk)
    assert later.closed == Close(1007, "Request contains an invalid argument.")


# Content


def test_2_5_takes_content_at_any_time_and_is_interrupted_by_it() -> None:
    it = SimulatedClient().set_up()
    it.begin()
    it.until("audio")
    it.send({"clientContent": {"turns": [{"role": "user", "parts": [{"text": "note"}]}], "turnComplete": False}})
    assert len(it.carrying("interrupted")) == 1
    it.wait(10)
    assert len(it.carrying("turnComplete")) == 1


@pytest.mark.parametrize("model", [LIVE_31, LIVE_38])
def test_from_3_1_on_content_is_refused(model: str) -> None:
    it = SimulatedClient().set_up(model)
    it.begin()
    assert it.closed == Close(1007, "Request contains an invalid argument.")


def test_the_initial_history_draws_no_reply_until_it_is_complete() -> None:
    it = SimulatedClient().set_up(LIVE_38, historyConfig={"initialHistoryInClientContent": True})
    turns = [{"role": "user", "parts": [{"text": "hello"}]}, {"role": "model", "parts": [{"text": "hi"}]}]
    it.send({"clientContent": {"turns": turns}})
    it.send({"clientContent": {"turnComplete": True}})
    it.wait(10)
    assert it.carrying("audio") == []
    it.realtime(text=" ")
    it.turn()
    it.begin()
    assert it.closed == Close(1007, "Request contains an invalid argument.")


def test_a_context_update_changes_system_and_tools() -> None:
    it = SimulatedClient().set_up(tools=TOOLS, systemInstruction={"parts": [{"text": "x" * 400}]})
    it.begin()
    it.turn()
    it.send({"contextUpdate": {"systemInstruction": {"parts": [{"text": "y" * 40}]}, "tools": {"tools": []}}})
    it.say(1)
    it.turn()
    before, after = (fact["bill"]["prompt"]["TEXT"] for fact in it.events("turn.ended"))
    assert after < before - 90
    for _ in range(2):
        it.say(1)
        it.turn()
    assert calls(it) == []


# Transcription


def test_2_5_transcribes_in_small_pieces_with_leading_blanks() -> None:
    it = begun()
    it.say(2)
    it.wait(1)
    pieces = [part["text"] for part in it.content("inputTranscription")]
    assert pieces[:2] == [" My name", " is Bruce."]
    assert it.text("inputTranscription") == "My name is Bruce. I am located in Sackville, New Brunswick."


def test_3_1_transcribes_whole_utterances_after_they_end() -> None:
    it = begun(LIVE_31)
    it.realtime(activityStart={})
    it.stream(2)
    assert it.content("inputTranscription") == []
    it.realtime(activityEnd={})
    it.wait(1)
    assert it.content("inputTranscription") == [{"text": "My name is Bruce. I am located in Sackville, New Brunswick."}]


def test_transcription_is_sent_when_asked_for_or_where_the_model_cannot_stop() -> None:
    heard: dict[str, tuple[bool, bool]] = {}
    for model in (MODEL, LIVE_31, LIVE_38):
        it = SimulatedClient().set_up(model)
        it.realtime(text="Begin.")
        it.turn()
        it.say(1)
        it.turn()
        heard[model] = bool(it.content("inputTranscription")), bool(it.content("outputTranscription"))
    assert heard == {MODEL: (False, False), LIVE_31: (True, False), LIVE_38: (False, True)}


def test_text_comes_while_the_user_speaks() -> None:
    it = scripted(examiner={"words_per_second": 2.0}).set_up(**BOTH)
    it.begin()
    it.turn()
    it.realtime(activityStart={})
    it.stream(3)
    assert it.text("inputTranscription") == "My name is Bruce. I am"


def monologue(flush_every: float | None) -> str:
    words = " ".join(f"word{i}" for i in range(300))
    examiner = {"heard": [words], "words_per_second": 2.5, "questions": ["Why?"]}
    it = scripted(examiner=examiner, transcription={"stall_after": 20.0}).set_up(**BOTH)
    it.begin()
    it.turn()
    it.realtime(activityStart={})
    for _ in range(round(120 / (flush_every or 120))):
        it.stream(flush_every or 120)
        if flush_every:
            it.realtime(activityEnd={})
            it.realtime(activityStart={})
    return it.text("inputTranscription")


def test_long_windows_lose_their_transcript_and_flushing_saves_it() -> None:
    stalled, flushed = monologue(None), monologue(15.0)
    assert len(stalled.split()) == 50
    assert len(flushed.split()) >= 295


def test_text_may_lag_and_lag_more_after_a_flush() -> None:
    it = scripted(examiner={"heard": []}, transcription={"delay": 2.0, "restart": 4.0}).set_up(**BOTH)
    it.begin()
    it.turn()
    it.say(1)
    ended = it.now
    it.realtime(activityStart={})
    it.stream(1)
    it.realtime(activityEnd={})
    again = it.now
    it.wait(10)
    times = sorted({seen.at for seen in it.carrying("inputTranscription")})
    assert times == pytest.approx([ended + 2, again + 6])


# Functions


def test_2_5_ends_the_turn_behind_its_call_and_begins_one_with_the_result() -> None:
    it = at_the_call()
    it.turn()
    assert it.carrying("generationComplete") and not it.text().endswith("Goodbye.")
    turns = len(it.carrying("turnComplete"))
    it.wait(60)
    assert len(it.carrying("turnComplete")) == turns, "it says nothing before it has the result"
    respond(it)
    it.turn()
    assert it.text().endswith("Goodbye.")


def test_3_1_holds_the_turn_until_its_call_is_answered() -> None:
    it = at_the_call(LIVE_31)
    turns = len(it.carrying("turnComplete"))
    it.wait(60)
    assert len(it.carrying("turnComplete")) == turns
    respond(it)
    it.turn()
    assert it.text().endswith("Goodbye.")


def test_a_blocking_call_without_farewell_ends_the_turn_when_answered() -> None:
    plan = ONE_QUESTION | {"ending": {"farewell": ""}}
    it = scripted(examiner=plan).set_up(tools=TOOLS)
    it.realtime(text="Begin.")
    it.turn()
    it.say(1)
    it.until("toolCall")
    respond(it)
    it.turn()
    assert not it.text().endswith("Goodbye.")


def test_3_8_does_not_wait_for_an_answer_and_speaks_when_idle() -> None:
    it = at_the_call(LIVE_38)
    it.turn()
    respond(it)
    it.turn()
    assert it.text().endswith("Goodbye.")


def test_a_silent_answer_is_not_spoken_to() -> None:
    it = at_the_call(LIVE_38)
    it.turn()
    respond(it, scheduling="SILENT")
    it.wait(20)
    assert not it.text().endswith("Goodbye.")


def test_an_interrupting_answer_cuts_the_reply() -> None:
    it = at_the_call(LIVE_38)
    respond(it, scheduling="INTERRUPT")
    it.turn()
    assert len(it.carrying("interrupted")) == 1
    assert it.text().endswith("Goodbye.")


def test_a_partial_answer_leaves_the_call_open() -> None:
    it = at_the_call()
    respond(it, willContinue=True)
    it.wait(20)
    assert not it.text().endswith("Goodbye.")
    respond(it)
    it.turn()


def test_speaking_cancels_a_blocking_call_by_its_id() -> None:
    it = at_the_call()
    it.realtime(activityStart={})
    cancelled = it.carrying("toolCallCancellation")[0].message["toolCallCancellation"]
    assert cancelled == {"ids": [calls(it)[0]["id"]]}


def test_speaking_leaves_a_non_blocking_call_alone() -> None:
    it = at_the_call(LIVE_38)
    it.realtime(activityStart={})
    assert it.carrying("toolCallCancellation") == []


def test_a_declaration_may_ask_for_what_the_model_allows() -> None:
    tools = [{"functionDeclarations": [BLOCKING | {"behavior": "NON_BLOCKING"}]}]
    for model, waits in ((MODEL, False), (LIVE_31, True)):
        it = scripted(examiner=ONE_QUESTION).set_up(model, tools=tools)
        it.realtime(text="Begin.")
        it.turn()
        it.say(1)
        it.until("toolCall")
        it.wait(60)
        assert (len(it.carrying("turnComplete")) == 1) is waits


@pytest.mark.parametrize("when", ["before speech", "with speech", "after speech"])
def test_the_call_may_come_before_in_or_after_the_speech(when: str) -> None:
    plan = ONE_QUESTION | {"ending": {"when": when}}
    it = scripted(examiner=plan).set_up(LIVE_38, tools=TOOLS, **BOTH)
    it.realtime(text="Begin.")
    it.turn()
    it.say(1)
    it.turn()
    at, spoken = it.carrying("toolCall")[0].at, [seen.at for seen in it.carrying("audio")]
    later = sum(one >= at for one in spoken)
    closing = sum(one > it.events("turn.started")[0]["turn"] for one in spoken)
    assert closing
    assert {"before speech": later > 20, "with speech": later > 20, "after speech": later <= 1}[when]


# Interactions


def test_3_8_says_idle_with_each_turn_and_2_5_says_nothing() -> None:
    assert begun(LIVE_38).content("turnComplete") == [True]
    assert begun(LIVE_38).content("interactionStatus") == ["IDLE"]
    assert begun().carrying("interactionStatus") == []


def test_extended_thinking_completes_several_turns_in_one_interaction() -> None:
    it = SimulatedClient().set_up(THINKING, generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}})
    it.realtime(text="Begin.")
    it.turn()
    it.turn()
    assert it.content("interactionStatus") == ["IN_PROGRESS", "IDLE"]
    assert it.text().startswith("Let me think. Hello")


# Usage


def test_each_turn_is_billed_the_whole_context_again() -> None:
    it = begun()
    it.say(4)
    it.turn()
    first, second = (seen.message["usageMetadata"] for seen in it.carrying("turnComplete"))
    audio = {d["modality"]: d["tokenCount"] for d in second["promptTokensDetails"]}["AUDIO"]
    assert audio == 100 + first["responseTokenCount"]


def test_what_is_reported_is_what_is_billed() -> None:
    it = begun()
    it.say(4)
    it.turn()
    for seen, fact in zip(it.carrying("turnComplete"), it.events("turn.ended"), strict=True):
        usage, bill = seen.message["usageMetadata"], fact["bill"]
        assert {d["modality"]: d["tokenCount"] for d in usage["promptTokensDetails"]} == bill["prompt"]
        assert {d["modality"]: d["tokenCount"] for d in usage["responseTokensDetails"]} == bill["response"]


def test_details_may_come_on_every_other_turn_only() -> None:
    it = scripted(usage={"details": "sometimes"}).set_up()
    it.begin()
    it.turn()
    it.say(1)
    it.turn()
    told = ["promptTokensDetails" in seen.message["usageMetadata"] for seen in it.carrying("turnComplete")]
    assert told == [True, False]


def test_a_full_context_is_compressed_or_ends_the_connection() -> None:
    small = {"window": 1000}
    full = scripted(model=small, examiner={"heard": []}).set_up()
    kept = scripted(model=small, examiner={"heard": []}).set_up(contextWindowCompression={"slidingWindow": {}})
    for it in (full, kept):
        it.begin()
        it.turn()
        it.say(20)
        it.wait(30)
    assert full.closed == Close(1007, "Request contains an invalid argument.")
    assert kept.closed is None
    assert kept.events("turn.ended")[-1]["bill"]["prompt"]["AUDIO"] == 500


# Resumption


def test_handles_come_with_the_setup_and_after_each_turn() -> None:
    it = begun(sessionResumption={})
    updates = [seen.message["sessionResumptionUpdate"] for seen in it.carrying("sessionResumptionUpdate")]
    assert [update["resumable"] for update in updates] == [True, False, True]
    assert updates[1]["newHandle"] == ""


def test_handles_may_come_every_few_seconds() -> None:
    it = scripted(resumption={"every": 5.0}).set_up(sessionResumption={})
    it.wait(21)
    assert len(it.carrying("sessionResumptionUpdate")) == 5


def resumed(old: SimulatedClient, handle: str, **changes: Any) -> SimulatedClient:
    scenario = old.scenario.changed(**changes) if changes else old.scenario
    new = SimulatedClient(scenario, sessions=old.sessions, now=old.now)
    return new.set_up(sessionResumption={"handle": handle}, **BOTH)


def test_a_resumed_session_goes_on_where_it_was() -> None:
    it = begun(sessionResumption={})
    it.leave()
    again = resumed(it, it.handle())
    again.say(2)
    again.turn()
    assert again.text() == "Thank you. What is your town like?"
    assert again.events("turn.ended")[0]["bill"]["prompt"]["AUDIO"] == 50 + 111


def test_a_session_that_loses_its_context_begins_the_exam_anew() -> None:
    it = begun(sessionResumption={})
    it.leave()
    again = resumed(it, it.handle(), examiner={"forgets": True})
    again.say(2)
    again.turn()
    assert again.text().startswith("Hello, and welcome.")


def test_a_resume_is_refused_while_the_old_connection_is_open() -> None:
    it = begun(sessionResumption={})
    assert resumed(it, it.handle()).closed == Close(1011, "Internal error encountered.")
    it.leave()
    assert resumed(it, it.handle()).closed is None


def test_a_handle_dies_two_hours_after_its_session() -> None:
    it = begun(sessionResumption={})
    it.leave()
    handle = it.handle()
    it.now += 7_199
    soon = resumed(it, handle)
    assert soon.closed is None
    soon.leave()
    it.now += 7_201
    assert resumed(it, handle).closed == Close(1007, "Invalid session handle")


def test_an_unknown_handle_is_refused() -> None:
    assert resumed(SimulatedClient(), "nonsense").closed == Close(1007, "Invalid session handle")


def test_the_model_may_not_change_on_a_resume() -> None:
    it = begun(sessionResumption={})
    it.leave()
    new = SimulatedClient(sessions=it.sessions).set_up(LIVE_38, sessionResumption={"handle": it.handle()})
    assert new.closed == Close(1007, "Request contains an invalid argument.")


def test_a_call_does_not_survive_a_resume() -> None:
    it = at_the_call(sessionResumption={})
    call = calls(it)[0]
    it.leave()
    again = resumed(it, it.handle())
    again.send({"toolResponse": {"functionResponses": [{"id": call["id"], "name": call["name"], "response": {}}]}})
    again.wait(20)
    assert again.carrying("audio") == []


# Life


@pytest.mark.parametrize(
    ("model", "setup", "warned", "closed", "end"),
    [
        (MODEL, {}, 540.0, 599.7, THREAD),
        (LIVE_31, {}, 540.0, 590.4, ABORTED),
        (LIVE_38, {"contextWindowCompression": {}}, 3_430.0, 3_480.0, EXPIRED),
        (LIVE_38, {}, 850.0, 900.0, EXPIRED),
    ],
)
def test_a_connection_is_warned_and_ends(model: str, setup: Any, warned: float, closed: float, end: Close) -> None:
    it = SimulatedClient().set_up(model, **setup)
    notice = it.until("goAway", 4_000)
    assert (notice.at, notice.message) == (warned, {"goAway": {"timeLeft": "50s"}})
    it.wait(closed - it.now - 0.01)
    assert it.closed is None
    it.wait(0.02)
    assert it.closed == end


def test_a_closed_conversation_says_no_more() -> None:
    it = SimulatedClient().set_up("models/gemini-9")
    assert it.send({"setup": {}}) == []
    assert it.wait(1000) == []
    assert it.conversation.deadline() is None


def test_sessions_at_once_may_be_limited() -> None:
    it = scripted(sessions=1).set_up()
    other = SimulatedClient(it.scenario, sessions=it.sessions).set_up()
    assert isinstance(other.closed, Close)
    assert other.closed.code == 1011
    it.leave()
    assert SimulatedClient(it.scenario, sessions=it.sessions).set_up().closed is None


# Vertex


def on_vertex(manual: bool = True, **setup: Any) -> SimulatedClient:
    model = "projects/p/locations/l/publishers/google/models/gemini-live-2.5-flash-native-audio"
    return SimulatedClient(Scenario.load("scripted").changed(examiner=ONE_QUESTION), vertex=True).set_up(
        model, manual, **BOTH, **setup
    )


def test_vertex_takes_no_realtime_text() -> None:
    it = on_vertex()
    it.realtime(text="Begin.")
    assert it.closed == Close(1007, "Request contains an invalid argument.")


def test_vertex_calls_without_ids_and_takes_answers_without() -> None:
    it = on_vertex(tools=TOOLS)
    it.begin()
    it.turn()
    it.say(1)
    it.until("toolCall")
    assert calls(it) == [{"name": "report_score", "args": {"overall": 6.5}}]
    it.send({"toolResponse": {"functionResponses": [{"name": "report_score", "response": {}}]}})
    it.turn()
    assert "candidatesTokenCount" in it.carrying("turnComplete")[-1].message["usageMetadata"]


def test_vertex_counts_the_client_s_messages_when_resumption_is_transparent() -> None:
    it = on_vertex(sessionResumption={"transparent": True})
    it.begin()
    it.turn()
    updates = [seen.message["sessionResumptionUpdate"] for seen in it.carrying("sessionResumptionUpdate")]
    assert [update.get("lastConsumedClientMessageIndex") for update in updates] == ["0", None, "1"]


def test_vertex_signals_voice_activity_when_asked_to() -> None:
    it = on_vertex(manual=False, explicitVadSignal=True)
    it.stream(1, SILENT)
    it.stream(2)
    it.stream(1, SILENT)
    signals = [seen.message["voiceActivity"] for seen in it.carrying("voiceActivity")]
    assert [signal["type"] for signal in signals] == ["ACTIVITY_START", "ACTIVITY_END"]
    assert 1.0 < float(signals[0]["audioOffset"].rstrip("s")) < 1.4
    assert 3.4 < float(signals[1]["audioOffset"].rstrip("s")) < 3.8


def test_vertex_ends_a_connection_with_1000() -> None:
    it = on_vertex()
    it.wait(600)
    assert it.closed == Close(1000, "The operation was cancelled.")


def test_a_full_context_ends_with_1000_on_vertex() -> None:
    it = SimulatedClient(Scenario.load("scripted").changed(model={"window": 100}), vertex=True).set_up()
    it.begin()
    it.wait(1)
    assert it.closed == Close(1000, "")


# Text


def written(**model: Any) -> SimulatedClient:
    """Set up a session that is answered in text, which no model of the table can be."""
    it = scripted(model={"modalities": ["AUDIO", "TEXT"]} | model)
    return it.set_up(generationConfig={"responseModalities": ["TEXT"]})


def test_a_model_that_can_write_answers_in_text() -> None:
    it = written()
    it.begin()
    it.turn()
    parts = [part for turn in it.content("modelTurn") for part in turn["parts"]]
    assert "".join(part["text"] for part in parts).strip().startswith("Hello, and welcome.")
    assert set(it.events("turn.ended")[0]["bill"]["response"]) == {"TEXT"}
    assert it.content("outputTranscription") == []


def test_text_has_no_voice() -> None:
    it = scripted(model={"modalities": ["TEXT"]})
    it.set_up(generationConfig={"responseModalities": ["TEXT"], "speechConfig": {"voiceConfig": {}}})
    assert it.closed is None
    it = scripted(model={"modalities": ["TEXT"]})
    voice = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Aoede"}}}
    it.set_up(generationConfig={"responseModalities": ["TEXT"], "speechConfig": voice})
    assert it.closed == Close(1007, "Cannot extract voices from a non-audio request.")


# What else a client or its shell may do


def test_low_sensitivity_waits_longer() -> None:
    detection = {"automaticActivityDetection": {"endOfSpeechSensitivity": "END_SENSITIVITY_LOW"}}
    it = SimulatedClient().set_up(manual=False, realtimeInputConfig=detection)
    it.stream(2)
    it.stream(0.8, SILENT)
    assert it.events("window.closed") == []
    it.stream(0.4, SILENT)
    assert len(it.events("window.closed")) == 1


def test_signals_said_twice_count_once() -> None:
    it = SimulatedClient().set_up()
    for field in ("activityEnd", "activityStart", "activityStart", "activityEnd", "activityEnd"):
        it.realtime(**{field: {}})
    it.realtime(audioStreamEnd=True)
    assert (len(it.events("window.opened")), len(it.events("window.closed"))) == (1, 1)


def test_an_update_of_the_system_alone_leaves_the_tools() -> None:
    it = SimulatedClient().set_up(tools=TOOLS)
    it.send({"contextUpdate": {"systemInstruction": {"parts": [{"text": "Be brief."}]}}})
    it.send({"contextUpdate": {}})
    it.begin()
    it.turn()
    for _ in range(3):
        it.say(1)
        it.wait(10)
    assert len(calls(it)) == 1


def test_speech_engines_that_answer_after_the_end_are_ignored() -> None:
    it = SimulatedClient().set_up()
    it.leave()
    assert it.conversation.transcribed(0, "hello", 1.0) == []
    assert it.conversation.synthesized(0, b"", 1.0) == []
    assert it.conversation.tick(1.0) == []


def test_a_speaking_examiner_listens_and_speaks_through_its_shell() -> None:
    it = scripted(examiner={"kind": "speaking", "heard": []}).set_up(**BOTH)
    it.begin()
    it.turn()
    it.say(2)
    it.turn()
    assert it.text() == (
        "Hello, and welcome. What is your name, and where do you live? Thank you. What is your town like?"
    )
    assert it.text("inputTranscription") == "(2.0 s of speech)"
    assert it.events("heard") == [{"piece": 0, "text": "(2.0 s of speech)"}]


def test_a_transcriber_that_never_answers_delays_a_reply_only_so_long() -> None:
    it = scripted(examiner={"kind": "speaking", "hearing_limit": 3.0}).set_up(**BOTH)
    it.begin()
    it.turn()
    it.conversation.transcribed = lambda *_: []  # type: ignore[method-assign]
    it.say(2)
    ended = it.now
    assert it.until("audio").at == pytest.approx(ended + 3.0)


def test_words_that_were_never_said_belong_to_no_turn() -> None:
    it = scripted(examiner={"kind": "speaking"}).set_up(**BOTH)
    it.conversation.synthesized(5, LOUD, 0.0)
    assert it.carrying("audio") == []


@pytest.mark.parametrize("when", ["before speech", "with speech"])
def test_an_answer_that_comes_while_the_model_speaks_does_not_cut_it(when: str) -> None:
    plan = ONE_QUESTION | {"ending": {"when": when}}
    it = scripted(examiner=plan).set_up(tools=TOOLS, **BOTH)
    it.realtime(text="Begin.")
    it.turn()
    it.say(1)
    it.until("toolCall")
    respond(it)
    it.turn()
    assert it.text().endswith("overall 6.5.")
    it.turn()
    assert it.text().endswith("overall 6.5. Goodbye.")
    assert it.carrying("interrupted") == []


def test_words_that_cannot_be_spoken_come_without_audio() -> None:
    class Dumb:
        def synthesize(self, text: str) -> bytes:
            return b""

    it = SimulatedClient(Scenario.load("scripted").changed(examiner={"kind": "speaking"}), synthesizer=Dumb()).set_up(
        **BOTH
    )
    it.begin()
    it.turn()
    assert it.carrying("audio") == []
    assert it.text() == "Hello, and welcome. What is your name, and where do you live?"


@pytest.mark.parametrize("reads", [True, False])
def test_an_exam_given_as_text_goes_on_where_it_stood_if_the_examiner_reads(reads: bool) -> None:
    plan = {"questions": ["Why?", "And why else?"], "heard": ["so", "else"], "reads_history": reads}
    it = scripted(examiner=plan).set_up(**BOTH)
    it.realtime(text="The exam so far. You: And why else? Now hear the answer.")
    it.turn()
    assert ("Your scores are" in it.text()) == reads
