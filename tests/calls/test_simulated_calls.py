"""Thousands of exams on imagined time: whatever breaks, nothing the caller said is lost or replayed twice."""

import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import events
from core.live.connection import TRANSITIONS, ConnectionPolicy, ConnectionState
from core.live.model_facts import model_facts
from core.live.policy import LivePolicy, StaleHandle
from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.scenario import Scenario
from support.simulation import FUNCTION, Outcome, Simulation, numbers, numbers_in_text
from support.soak import share

OLD = "gemini-2.5-flash-native-audio-preview-12-2025"
NEW = "gemini-3.8-live"
PLAIN = Scenario.load("scripted")
# Every window is transcribed as the numbers of what was said in it: a text that is missing or there twice shows.
NUMBERED = PLAIN.changed(examiner={"kind": "speaking", "heard": []})

# No client can do anything about these; the call ends, orderly.
FATAL = {
    *("key_invalid", "bad_payload", "voices_refused", "setup_refused", "model_not_found", "activity_refused"),
    *("refuse_400", "refuse_region", "refuse_401", "refuse_403", "refuse_404", "refuse_429", "refuse_503"),
    *("credits_depleted", "sessions_exhausted", "no_setup_complete", "mute", "empty_reply", "no_audio"),
}


def exam(*faults: dict[str, Any], model: str = OLD, **changes: Any) -> Outcome:
    """A simulated exam under these faults."""
    scenario = NUMBERED.changed(faults=list(faults))
    return Simulation(scenario, model=model, **changes).run()


def orderly(outcome: Outcome, limit: float = 600.0) -> None:
    """The machine came to an end by itself and its log makes sense."""
    assert outcome.ended < limit
    assert outcome.state is ConnectionState.CLOSED
    assert outcome.discarded == 0, "no sample is sent outside a window"
    assert len(set(outcome.answers)) == len(outcome.answers), "a tool result goes to the model once"
    times = [event.at for event in outcome.log]
    assert times == sorted(times)
    assert outcome.without_deadline == [], "no state but the last is without a deadline"
    changes = [change.state for change in outcome.of(events.ConnectionStateChanged)]
    assert changes[-1] == "closed"
    for state, following in itertools.pairwise(["idle", *changes]):
        assert following in TRANSITIONS[ConnectionState(state)], "every change of state is recorded"


def nothing_lost(outcome: Outcome) -> None:
    """Every answer reached a model whole, and no connection got one twice."""
    windows = [pcm for _, pcm in outcome.windows]
    for turn in outcome.turns:
        assert turn.pcm in windows
    whole = [(connection, pcm) for connection, pcm in outcome.windows if pcm]
    assert len(set(whole)) == len(whole)


@pytest.mark.parametrize("model", [OLD, NEW])
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_every_fault_ends_orderly_and_loses_nothing_that_can_be_replayed(fault: str, model: str) -> None:
    outcome = exam({"fault": fault}, model=model)
    orderly(outcome)
    assert bool(outcome.of(events.ConnectionGivenUp)) == (fault in FATAL)
    if fault not in FATAL:
        nothing_lost(outcome)
        the_last_model_knows_it_all(outcome, untranscribed=True)
        assert len(outcome.turns) == 3


@pytest.mark.parametrize("model", [OLD, NEW])
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_words_that_follow_the_end_of_a_turn_are_the_examiner_s_and_none_are_asked_for_again(
    turn: int, model: str
) -> None:
    outcome = exam({"fault": "late_words", "nth": turn}, model=model)
    orderly(outcome)
    told = " ".join(one.text for one in outcome.utterances if one.speaker == "examiner")
    assert told.count("Take your time.") == 1
    assert outcome.of(events.ReplySuppressed) == outcome.of(events.ModelLate) == []


@pytest.mark.parametrize("at", [x / 4 for x in range(2, 120)])
def test_a_connection_may_break_at_any_moment(at: float) -> None:
    outcome = exam({"fault": "internal_error", "after": at, "connection": 1})
    orderly(outcome)
    nothing_lost(outcome)
    assert outcome.of(events.ConnectionGivenUp) == []
    text_of_everything_once(outcome)
    the_last_model_knows_it_all(outcome)
    assert len([one for one in outcome.utterances if one.speaker == "caller"]) == 3


def test_a_long_exam_rotates_before_each_announced_end_without_a_gap() -> None:
    link = ConnectionPolicy(lifetime=590)
    outcome = exam({"fault": "short_life", "times": 0}, answers=(9.0,) * 3, policy=LivePolicy(link), flush_after=4.0)
    orderly(outcome)
    nothing_said_is_missing(outcome)
    assert outcome.of(events.GoAwayReceived) and outcome.of(events.ConnectionLost) == []
    assert max(opened.gap for opened in outcome.of(events.ConnectionOpened)) < 0.5


def said(outcome: Outcome) -> set[int]:
    """The numbers of all that the caller said."""
    return {number for turn in outcome.turns for number in numbers(turn.pcm)}


def nothing_said_is_missing(outcome: Outcome) -> None:
    """With flushes a turn is several windows: every piece is in one of them, in order, and in none twice."""
    received = [numbers(pcm) for _, pcm in outcome.windows]
    assert said(outcome) <= {number for window in received for number in window}
    for window in received:
        assert window == sorted(set(window))


def text_of_everything_once(outcome: Outcome) -> None:
    """The transcript has all that the caller said, and none of it twice."""
    transcribed = [n for one in outcome.utterances if one.speaker == "caller" for n in numbers_in_text(one.text)]
    assert said(outcome) <= set(transcribed)
    assert len(set(transcribed)) == len(transcribed)


@pytest.mark.parametrize("model", [OLD, NEW])
@pytest.mark.parametrize("fault", ["internal_error", "cut", "session_not_found"])
def test_a_connection_may_break_at_every_message_around_a_flush(fault: str, model: str) -> None:
    # The second answer of four seconds, flushed twice, begins somewhere after message 55.
    broken = 0
    for message in range(50, 110):
        rule = {"fault": fault, "message": message, "connection": 1, "on": "realtimeInput"}
        outcome = Simulation(NUMBERED.changed(faults=[rule]), model=model, flush_after=1.5, answers=(4.0, 4.0)).run()
        broken += len(outcome.of(events.ConnectionLost))
        orderly(outcome)
        nothing_said_is_missing(outcome)
        text_of_everything_once(outcome)
        the_last_model_knows_it_all(outcome)
    assert broken > 40


@pytest.mark.parametrize("name", ["interrupted", "turnComplete", "sessionResumptionUpdate"])
@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_connection_may_break_at_every_message_that_answers_a_flush(name: str, model: str) -> None:
    for nth in range(1, 12):
        rule = {"fault": "cut", "on": name, "nth": nth, "connection": 1}
        outcome = Simulation(NUMBERED.changed(faults=[rule]), model=model, flush_after=1.5, answers=(4.0, 4.0)).run()
        orderly(outcome)
        nothing_said_is_missing(outcome)
        text_of_everything_once(outcome)
        the_last_model_knows_it_all(outcome)


def the_last_model_knows_it_all(outcome: Outcome, *, untranscribed: bool = False) -> None:
    """The last model has all that was said: as audio, and then once, or in a text that it was sent.

    That holds whether it was resumed, or its session is new and was given the history. `untranscribed`: nothing can be
    given as text that the service itself had not transcribed by then.
    """
    context = outcome.context
    received = [number for window in context.windows for number in numbers(window)]
    assert len(set(received)) == len(received)
    read = {number for text in context.texts for number in numbers_in_text(text)}
    excused = context.untranscribed if untranscribed else set[int]()
    assert said(outcome) <= {*received} | read | excused


@pytest.mark.parametrize("stale_handle", ["instruct", "new_session"])
@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_session_of_long_ago_goes_on_from_where_the_exam_is(model: str, stale_handle: StaleHandle) -> None:
    sent_as_text = 0
    policy = LivePolicy(ConnectionPolicy(lifetime=590), stale_handle=stale_handle)
    for at in range(12, 80, 2):
        faults = [
            {"fault": "handle_never", "after": 2.0, "connection": 1},
            {"fault": "internal_error", "after": at / 4, "connection": 1},
        ]
        outcome = Simulation(NUMBERED.changed(faults=faults), model=model, flush_after=1.5, policy=policy).run()
        orderly(outcome)
        the_last_model_knows_it_all(outcome)
        nothing_said_is_missing(outcome)
        text_of_everything_once(outcome)
        sent_as_text += len(outcome.of(events.TurnSentAsText))
        assert outcome.of(events.ContextLost) == []
        played = "".join(text for _, text in outcome.played)
        # A question that was cut off with its connection is put once more; one that was played is not.
        repeated = sum(played.count(question) - 1 for question in QUESTIONS)
        assert repeated <= sum(one.interrupted for one in outcome.utterances)
    assert (sent_as_text > 10) == (stale_handle == "instruct")


@pytest.mark.parametrize("at", [11.0, 15.0, 22.0])  # in the first reply, in the second answer, in the third
def test_a_new_session_is_seeded_and_goes_on(at: float) -> None:
    outcome = exam({"fault": "internal_error", "after": at, "connection": 1}, {"fault": "handle_invalid"})
    orderly(outcome)
    nothing_lost(outcome)
    text_of_everything_once(outcome)
    the_last_model_knows_it_all(outcome)
    greetings = [text for _, text in outcome.played if "welcome" in text]
    assert len(greetings) <= 1, "no second introduction reaches the caller"
    assert [dial.resumed for dial in outcome.of(events.ConnectionDialed)] == [False, True, False]


def test_a_model_that_loses_the_context_in_a_resume_is_not_played_when_it_begins_anew() -> None:
    outcome = exam({"fault": "internal_error", "after": 11.0, "connection": 1}, {"fault": "forgets"})
    orderly(outcome)
    nothing_lost(outcome)
    text_of_everything_once(outcome)
    the_last_model_knows_it_all(outcome)
    assert outcome.of(events.ContextLost)[0].action == "reseed"
    played = "".join(text for _, text in outcome.played)
    assert played.count("welcome") == 1


def test_a_tool_call_on_a_dying_connection_is_answered_once_and_sent_as_text() -> None:
    outcome = exam({"fault": "thread_cancelled_on_tool"})
    orderly(outcome)
    assert len(outcome.of(events.ConnectionLost)) == 1
    assert outcome.answers == outcome.calls, "the model, which has lost the first, calls once more"
    assert outcome.context.texts.count(f"{FUNCTION['name']}: ok") == 1


@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_reply_without_audio_is_requested_once_more_and_then_from_another_connection(model: str) -> None:
    outcome = exam({"fault": "no_audio", "turn": 2, "connection": 1}, model=model)
    orderly(outcome)
    nothing_lost(outcome)
    the_last_model_knows_it_all(outcome)
    assert [late.action for late in outcome.of(events.ModelLate)] == ["repeat", "reconnect"]
    assert outcome.of(events.ConnectionGivenUp) == [] and len(outcome.of(events.ConnectionDialed)) == 2
    played = "".join(text for _, text in outcome.played)
    recorded = " ".join(one.text for one in outcome.utterances if one.speaker == "examiner")
    first, second = outcome.of(events.ReplySuppressed)
    assert {first.why, second.why} == {"mute"}
    assert first.text not in played and first.text not in recorded
    for question in QUESTIONS:
        assert played.count(question) == recorded.count(question) == 1, "the silent one from the second connection"
    assert len([one for one in outcome.utterances if one.speaker == "caller"]) == len(outcome.turns) == 3
    assert outcome.longest_silence < 8.0


# A model that sends no audio ends the call, but only if it does so on every connection.
resumable = sorted(set(FAULTS) - FATAL | {"no_audio"})
rules = st.builds(
    lambda fault, after, connection: {"fault": fault, "after": after, "connection": connection},
    st.sampled_from(resumable),
    st.floats(0.3, 60.0).map(lambda x: round(x, 1)),
    st.integers(1, 4),
)


# A service that gives no more handles: what is resumed then is a session of long ago.
stale = st.builds(
    lambda after, connection: [{"fault": "handle_never", "after": after, "connection": connection}],
    st.floats(0.0, 30.0).map(lambda x: round(x, 1)),
    st.integers(1, 2),
)
# Seconds from the last audio of either side to the examiner's next, in a call that goes on: a quota's long wait, a
# model that freezes (14 s until the reconnect) and the attempts that fail after it; or the idle timeout (40 s) after a
# reply whose end was never declared (5 s until the watchdog takes it for complete), and the time to begin the next.
RECOVERY = 47.0
SEQUENCES = share(120, 1000)


@settings(max_examples=SEQUENCES)
@given(
    faults=st.lists(rules, min_size=1, max_size=4),
    handles_stop=st.just([]) | stale,
    stale_handle=st.sampled_from(["instruct", "instruct", "new_session"]),
    seed=st.integers(0, 1000),
    flush=st.sampled_from([None, 1.5]),
    pause=st.sampled_from([{}, {"silence": 0.8, "flush_at_end": True}, {"goes_on": 1.0, "at_least": 3.0}]),
    interrupts=st.booleans(),
)
@example(  # a caller who pauses in an answer is not asked to speak up in that pause, whoever was cut off before
    faults=[{"fault": "spurious_interrupted", "after": 0.5, "connection": 1}],
    handles_stop=[],
    stale_handle="instruct",
    seed=0,
    flush=None,
    pause={"goes_on": 1.0, "at_least": 3.0},
    interrupts=False,
)
@example(  # a flush before the connection was lost is no edge of a window in the replay
    faults=[
        {"fault": "aborted", "after": 1.0, "connection": 2},
        {"fault": "exhausted", "after": 1.0, "connection": 1},
    ],
    handles_stop=[],
    stale_handle="instruct",
    seed=0,
    flush=None,
    pause={"silence": 0.8, "flush_at_end": True},
    interrupts=True,
)
@example(  # the part of a turn that a handle had is lost with a session that is not found any more
    faults=[{"fault": "session_not_found", "after": 7.0, "connection": 1}],
    handles_stop=[],
    stale_handle="instruct",
    seed=0,
    flush=1.5,
    pause={},
    interrupts=True,
)
@example(  # a turn that was too late for a handle is over when the connection is lost
    faults=[{"fault": "exhausted", "after": 19.0, "connection": 1}],
    handles_stop=[],
    stale_handle="instruct",
    seed=0,
    flush=None,
    pause={"goes_on": 1.0, "at_least": 3.0},
    interrupts=False,
)
@example(  # of two turns that are replayed at once, the first handle after that has only the first
    faults=[
        {"fault": "cut", "on": "sessionResumptionUpdate", "nth": 3, "connection": 2},
        {"fault": "exhausted", "after": 1.0, "connection": 1},
    ],
    handles_stop=[],
    stale_handle="instruct",
    seed=0,
    flush=None,
    pause={"goes_on": 1.0},
    interrupts=True,
)
@example(  # the result of a function may be lost while the caller speaks
    faults=[
        {"fault": "cut", "on": "inputTranscription", "nth": 3, "connection": 2},
        {"fault": "exhausted", "after": 10.0, "connection": 1},
    ],
    handles_stop=[],
    stale_handle="instruct",
    seed=0,
    flush=None,
    pause={"goes_on": 1.0, "silence": 0.8, "flush_at_end": True},
    interrupts=False,
)
def ends_orderly(
    model: str,
    ended: Counter[str],
    faults: list[dict[str, Any]],
    handles_stop: list[dict[str, Any]],
    stale_handle: StaleHandle,
    seed: int,
    flush: float | None,
    pause: dict[str, Any],
    interrupts: bool,
) -> None:
    """Under any sequence of faults; `ended` counts how the calls came to their ends."""
    scenario = NUMBERED.changed(faults=[*faults, *handles_stop], seed=seed)
    policy = LivePolicy(ConnectionPolicy(lifetime=model_facts(model).lifetime), stale_handle=stale_handle)
    how = {"flush_after": flush, "interrupts": interrupts} | pause
    outcome = Simulation(scenario, model=model, policy=policy, **how).run()
    orderly(outcome)
    for connection, windows in itertools.groupby(outcome.windows, key=lambda window: window[0]):
        received = [pcm for _, pcm in windows if pcm]
        assert len(set(received)) == len(received), f"connection {connection} got an answer twice"
    dials = outcome.of(events.ConnectionDialed)
    ended["new session"] += not all(dial.resumed for dial in dials[1:])
    ended["sent as text"] += bool(outcome.of(events.TurnSentAsText))
    if outcome.of(events.ConnectionGivenUp):
        ended["given up"] += 1
    else:
        ended["held"] += 1
        nothing_said_is_missing(outcome)
        the_last_model_knows_it_all(outcome, untranscribed=True)
        assert outcome.longest_silence < RECOVERY


@pytest.mark.timeout(600)
@pytest.mark.parametrize("model", [OLD, NEW])
def test_any_sequence_of_faults_ends_orderly(model: str) -> None:
    ended = Counter[str]()
    ends_orderly(model, ended)
    assert ended["held"] > 0.9 * SEQUENCES > 0.1 * SEQUENCES > ended["given up"], "nearly all were looked at whole"
    assert ended["new session"] and ended["sent as text"], "the model was told in each way what it lacked"


def played_while_speaking(outcome: Outcome) -> list[str]:
    """The text that was played to the caller while he spoke."""
    return [text for at, text in outcome.played for turn in outcome.turns if turn.began < at < turn.ended]


def first_word(outcome: Outcome, turn: int) -> float:
    """How long after a turn closed the reply to it began."""
    ended = outcome.turns[turn].ended
    return min(at for at, _ in outcome.played if at >= ended) - ended


QUESTIONS = [*PLAIN.examiner.questions, PLAIN.examiner.closing]


def each_question_once(outcome: Outcome) -> None:
    """The examiner's whole part was played, and nothing of it twice."""
    played = "".join(text for _, text in outcome.played)
    assert [played.count(question) for question in QUESTIONS] == [1] * len(QUESTIONS)


@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_reply_to_a_flush_at_the_final_pause_comes_the_moment_the_turn_closes(model: str) -> None:
    plain = Simulation(PLAIN, model=model, silence=0.8).run()
    outcome = Simulation(PLAIN, model=model, silence=0.8, flush_at_end=True, interrupts=False).run()
    orderly(outcome)
    for turn in range(3):
        assert first_word(outcome, turn) == 0.0 < first_word(plain, turn)
    each_question_once(outcome)
    assert played_while_speaking(outcome) == [] and outcome.of(events.ReplySuppressed) == []
    nothing_said_is_missing(outcome)
    assert [one.speaker for one in outcome.utterances][:7] == ["examiner", "caller"] * 3 + ["examiner"]


@pytest.mark.parametrize("model", [OLD, NEW])
def test_a_flush_at_the_final_pause_whose_reply_the_service_interrupts_is_answered_once(model: str) -> None:
    leaky = PLAIN.changed(model={"leaks": 3})
    outcome = Simulation(leaky, model=model, silence=0.8, flush_at_end=True, flush_after=1.5).run()
    orderly(outcome)
    each_question_once(outcome)
    nothing_said_is_missing(outcome)
    assert played_while_speaking(outcome) == []
    flushes = sum(bool(pcm) for _, pcm in outcome.windows) - len(outcome.turns)
    suppressed = outcome.of(events.ReplySuppressed)
    assert len(suppressed) == flushes > 3, "what leaked of each reply to a flush was suppressed, and recorded"
    assert {event.why for event in suppressed} == {"flush"}


def test_a_caller_who_only_paused_in_a_long_answer_is_not_answered_before_its_end() -> None:
    outcome = Simulation(PLAIN, silence=0.8, goes_on=0.5, at_least=5.0, answers=(6.0, 6.0)).run()
    orderly(outcome)
    nothing_said_is_missing(outcome)
    assert played_while_speaking(outcome) == []
    pauses = [(one.ended, other.began) for one, other in itertools.pairwise(outcome.turns)]
    pauses = [(ended, began) for ended, began in pauses if began - ended < 1]
    assert len(pauses) == 2
    assert not [text for at, text in outcome.played if any(ended <= at <= began for ended, began in pauses)]
    assert {event.why for event in outcome.of(events.ReplySuppressed)} == {"premature"}


def test_an_examiner_who_goes_on_without_an_answer_is_not_played_and_gives_no_scores() -> None:
    early = PLAIN.changed(examiner={"early": [1, 3], "early_after": 0.5})
    outcome = Simulation(early, at_least=0.5, silence=0.8).run()
    orderly(outcome)
    each_question_once(outcome)
    assert len(outcome.turns) == 3 and len(outcome.calls) == 1
    answered = outcome.turns[-1].ended
    assert all(call.at > answered for call in outcome.of(events.ToolCalled))
    assert {event.why for event in outcome.of(events.ReplySuppressed)} == {"premature"}
    unguarded = Simulation(early, silence=0.8, at_least=0.5, policy=LivePolicy(grace=0.0)).run()
    assert unguarded.of(events.ReplySuppressed) == []


@pytest.mark.parametrize("fault", ["hum", "huge_frame"])
@pytest.mark.parametrize("model", [OLD, NEW])
def test_unsolicited_replies_are_not_interrupted_for_ever(fault: str, model: str) -> None:
    # Its turns are so long, or break the connection so soon, that a reply is pending whenever it goes on by itself.
    early = PLAIN.changed(examiner={"early": [1], "early_after": 0.3}, faults=[{"fault": fault, "times": 0}])
    outcome = Simulation(early, model=model, at_least=0.5, limit=200.0).run()
    orderly(outcome)
    empty = sum(not pcm for _, pcm in outcome.windows)
    assert empty < 10, "once there were 50, one answering the other"


@settings(max_examples=share(100, 200))
@given(
    answers=st.lists(st.integers(5, 60).map(lambda tenths: tenths / 10), min_size=1, max_size=4),
    flush=st.sampled_from([None, 0.3, 0.7, 1.5]),
    at_end=st.booleans(),
    leaks=st.integers(0, 3),
    silence=st.integers(1, 12).map(lambda tenths: tenths / 10),
    goes_on=st.sampled_from([None, 0.2, 0.9, 1.9, 2.5]),
    at_least=st.sampled_from([None, 1.0, 5.0]),
    early=st.sampled_from([[], [1], [2, 3]]),
    interrupts=st.booleans(),
    model=st.sampled_from([OLD, NEW]),
)
def test_whatever_the_schedule_nobody_is_talked_over_and_nothing_is_lost(
    answers: list[float],
    flush: float | None,
    at_end: bool,
    leaks: int,
    silence: float,
    goes_on: float | None,
    at_least: float | None,
    early: list[int],
    interrupts: bool,
    model: str,
) -> None:
    scenario = PLAIN.changed(model={"leaks": leaks}, examiner={"early": early})
    outcome = Simulation(
        scenario,
        model=model,
        answers=answers,
        flush_after=flush,
        flush_at_end=at_end,
        silence=silence,
        goes_on=goes_on,
        at_least=at_least,
        interrupts=interrupts,
    ).run()
    orderly(outcome)
    nothing_said_is_missing(outcome)
    assert played_while_speaking(outcome) == []
    asked = {call.id for call in outcome.of(events.ToolCalled)}
    assert asked <= set(outcome.answers), "the model is left waiting for no call"
    assert all(dial.attempt == 1 for dial in outcome.of(events.ConnectionDialed)), (
        "no connection was left for its silence"
    )
