"""Thousands of exams on imagined time: whatever breaks, nothing the caller said is lost or said twice."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulation import CHUNK, RATE, Outcome, Simulation

from core import events
from core.link import LinkPolicy, LinkState
from core.live import LivePolicy
from emulator.faults import FAULTS
from emulator.scenario import Scenario

OLD = "gemini-2.5-flash-native-audio-preview-12-2025"
NEW = "gemini-3.8-live"
PLAIN = Scenario.load("scripted")

# No client can do anything about these; the call ends, orderly.
FATAL = {
    *("key_invalid", "bad_payload", "voices_refused", "setup_refused", "model_not_found", "activity_refused"),
    *("refuse_400", "refuse_region", "refuse_401", "refuse_403", "refuse_404", "refuse_429", "refuse_503"),
    *("sessions_exhausted", "no_setup_complete", "mute", "empty_reply", "call_lost"),
}


def exam(*faults: dict[str, Any], model: str = OLD, **changes: Any) -> Outcome:
    """A simulated exam under these faults."""
    scenario = PLAIN.changed(faults=list(faults))
    return Simulation(scenario, model=model, **changes).run()


def orderly(outcome: Outcome, limit: float = 600.0) -> None:
    """The machine came to an end by itself and its log makes sense."""
    assert outcome.ended < limit
    assert outcome.state is LinkState.CLOSED
    assert outcome.discarded == 0, "no sample is sent outside a window"
    assert len(set(outcome.answers)) == len(outcome.answers), "a tool result goes to the model once"
    times = [event.at for event in outcome.log]
    assert times == sorted(times)


def nothing_lost(outcome: Outcome) -> None:
    """Every answer reached a model whole, and no connection heard one twice."""
    windows = [pcm for _, pcm in outcome.windows]
    for turn in outcome.turns:
        assert turn.pcm in windows
    whole = [(connection, pcm) for connection, pcm in outcome.windows if pcm]
    assert len(set(whole)) == len(whole)


@pytest.mark.parametrize("model", [OLD, NEW])
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_every_fault_ends_orderly_and_loses_nothing_that_can_be_kept(fault: str, model: str) -> None:
    outcome = exam({"fault": fault}, model=model)
    orderly(outcome)
    if outcome.of(events.LinkGaveUp):
        assert fault in FATAL
    else:
        nothing_lost(outcome)
        assert len(outcome.turns) == 3


@pytest.mark.parametrize("at", [x / 4 for x in range(2, 120)])
def test_a_connection_may_break_at_any_moment(at: float) -> None:
    outcome = exam({"fault": "internal_error", "after": at, "connection": 1})
    orderly(outcome)
    nothing_lost(outcome)
    assert outcome.of(events.LinkGaveUp) == []
    heard = [u.text for u in outcome.said if u.speaker == "caller"]
    assert len(heard) == 3, "every answer has its text, once"
    assert all(text.count("speech)") <= 1 for text in heard)


def test_a_long_exam_moves_before_each_announced_end_and_nobody_notices() -> None:
    link = LinkPolicy(lifetime=590)
    outcome = exam({"fault": "short_life", "times": 0}, answers=(9.0,) * 3, policy=LivePolicy(link), flush_after=4.0)
    orderly(outcome)
    nothing_said_is_missing(outcome)
    assert outcome.of(events.GoAwayReceived) and outcome.of(events.LinkLost) == []
    assert max(opened.gap for opened in outcome.of(events.LinkOpened)) < 0.5


def chunks(pcm: bytes) -> list[int]:
    """The numbers of the tenths of a second in this audio; each is full of its own number."""
    step = 2 * round(CHUNK * RATE)
    return [int.from_bytes(pcm[at : at + 2], "little") for at in range(0, len(pcm), step)]


def nothing_said_is_missing(outcome: Outcome) -> None:
    """With flushes a turn is several windows: every piece is in one of them, in order, and in none twice."""
    heard = [chunks(pcm) for _, pcm in outcome.windows]
    for turn in outcome.turns:
        assert set(chunks(turn.pcm)) <= {number for window in heard for number in window}
    for window in heard:
        assert window == sorted(set(window))


def test_a_session_that_knows_nothing_is_told_and_goes_on() -> None:
    outcome = exam({"fault": "internal_error", "after": 11.0, "connection": 1}, {"fault": "handle_invalid"})
    orderly(outcome)
    nothing_lost(outcome)
    greetings = [text for _, text in outcome.heard_by_caller if "welcome" in text]
    assert len(greetings) <= 1, "no second introduction reaches the caller"
    assert [dial.resumed for dial in outcome.of(events.LinkDialed)] == [False, True, False]


def test_a_model_that_forgets_after_a_resume_is_not_heard_to_begin_again() -> None:
    outcome = exam({"fault": "internal_error", "after": 11.0, "connection": 1}, {"fault": "forgets"})
    orderly(outcome)
    nothing_lost(outcome)
    assert outcome.of(events.ContextLost)[0].done == "reseed"
    spoken = "".join(text for _, text in outcome.heard_by_caller)
    assert spoken.count("welcome") == 1


def test_a_tool_call_on_a_dying_connection_is_answered_once_and_told_in_words() -> None:
    outcome = exam({"fault": "thread_cancelled_on_tool"})
    orderly(outcome)
    assert len(outcome.answers) == len(set(outcome.answers))
    assert outcome.calls and outcome.of(events.LinkLost)


resumable = sorted(set(FAULTS) - FATAL)
rules = st.builds(
    lambda fault, after, connection: {"fault": fault, "after": after, "connection": connection},
    st.sampled_from(resumable),
    st.floats(0.3, 60.0).map(lambda x: round(x, 1)),
    st.integers(1, 4),
)


@settings(max_examples=500)
@given(
    faults=st.lists(rules, min_size=1, max_size=4),
    model=st.sampled_from([OLD, NEW]),
    seed=st.integers(0, 1000),
    flush=st.sampled_from([None, 1.5]),
)
def test_any_sequence_of_faults_ends_orderly(
    faults: list[dict[str, Any]], model: str, seed: int, flush: float | None
) -> None:
    scenario = PLAIN.changed(faults=faults, seed=seed)
    outcome = Simulation(scenario, model=model, flush_after=flush).run()
    orderly(outcome)
    for connection, windows in itertools.groupby(outcome.windows, key=lambda window: window[0]):
        heard = [pcm for _, pcm in windows if pcm]
        assert len(set(heard)) == len(heard), f"connection {connection} heard an answer twice"
    if not outcome.of(events.LinkGaveUp):
        nothing_said_is_missing(outcome)
