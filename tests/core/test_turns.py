"""Turns open on speech, are flushed when long, and close on silence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.turns import PATIENCE, PAUSE, Action, CloseTurn, Flush, OpenTurn, TurnMachine, TurnPolicy

CHUNK = 0.02


def speak(turns: TurnMachine, start: float, end: float, voice: bool = True) -> list[Action]:
    """Marks every 20 ms of [start, end)."""
    actions: list[Action] = []
    for step in range(1, round((end - start) / CHUNK) + 1):
        actions += turns.heard(voice, start + step * CHUNK)
    return actions


def hush(turns: TurnMachine, start: float, end: float) -> list[Action]:
    """Silence, marked every 20 ms of [start, end)."""
    return speak(turns, start, end, voice=False)


def test_speech_opens_a_turn_and_a_pause_closes_it() -> None:
    turns = TurnMachine(TurnPolicy(minimum_speech=0.2, silence=0.5))
    assert [type(a) for a in speak(turns, 0, 2)] == [OpenTurn]
    [closed] = hush(turns, 2, 3)
    assert isinstance(closed, CloseTurn)
    assert closed.at == pytest.approx(2.5, abs=CHUNK)
    assert closed.spoke_until == pytest.approx(2.0)
    assert closed.voiced == pytest.approx(2.0, abs=2 * CHUNK)
    assert not turns.open


def test_a_click_opens_nothing() -> None:
    turns = TurnMachine(TurnPolicy(minimum_speech=0.2))
    actions = []
    for start in (0.0, 1.0, 2.0):
        actions += speak(turns, start, start + 0.1) + hush(turns, start + 0.1, start + 1)
    assert actions == []


def test_a_turn_closes_by_the_clock_when_the_source_goes_quiet() -> None:
    turns = TurnMachine(TurnPolicy(silence=0.8))
    speak(turns, 0, 1)
    assert turns.deadline() == pytest.approx(1.8)
    assert turns.tick(1.7) == []
    [closed] = turns.tick(1.8)
    assert closed == CloseTurn(1.8, "silence", pytest.approx(1.0), pytest.approx(1.0, abs=2 * CHUNK))
    assert turns.deadline() is None


def test_a_timer_flushes_in_mid_word() -> None:
    turns = TurnMachine(TurnPolicy(flush_after=5, flush_at="timer"))
    flushes = [a for a in speak(turns, 0, 16) if isinstance(a, Flush)]
    assert [f.why for f in flushes] == ["timer"] * 3
    assert flushes[1].at - flushes[0].at == pytest.approx(5, abs=CHUNK)


def test_a_flush_waits_for_a_pause_but_not_for_ever() -> None:
    turns = TurnMachine(TurnPolicy(flush_after=4, flush_at="pause", silence=1.0))
    assert [type(a) for a in speak(turns, 0, 5)] == [OpenTurn]
    [flush] = hush(turns, 5, 5.4)
    assert flush == Flush(pytest.approx(5 + PAUSE, abs=CHUNK), "pause")
    actions = speak(turns, 5.4, 12)
    assert [a.why for a in actions if isinstance(a, Flush)] == ["ceiling"]
    assert actions[0].at == pytest.approx(flush.at + 4 * (1 + PATIENCE), abs=CHUNK)


def test_without_a_flush_a_turn_is_one_window() -> None:
    turns = TurnMachine(TurnPolicy(flush_after=None))
    assert [type(a) for a in speak(turns, 0, 120)] == [OpenTurn]


def test_the_end_of_the_call_closes_what_is_open_and_nothing_else() -> None:
    turns = TurnMachine(TurnPolicy())
    assert turns.end(0.5) == []
    speak(turns, 1, 2)
    [closed] = turns.end(2.0)
    assert isinstance(closed, CloseTurn) and closed.why == "ended"
    assert turns.end(2.1) == []


class TurnLaws(RuleBasedStateMachine):
    """Whatever is heard: edges alternate, deadlines lie ahead, ticks at the deadline do something."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = TurnMachine(TurnPolicy(0.1, 0.5, 3.0, "pause"))
        self.now = 0.0
        self.edges: list[Action] = []

    def took(self, actions: list[Action]) -> None:
        self.edges += [a for a in actions if not isinstance(a, Flush)]
        for action in actions:
            assert action.at <= self.now
            if isinstance(action, Flush):
                assert self.turns.open

    @rule(voice=st.booleans(), gap=st.floats(0.001, 2.0))
    def hear(self, voice: bool, gap: float) -> None:
        self.now += gap
        self.took(self.turns.heard(voice, self.now))

    @precondition(lambda self: self.turns.deadline() is not None)
    @rule()
    def wait_for_the_deadline(self) -> None:
        deadline = self.turns.deadline()
        assert deadline is not None
        self.now = max(self.now, deadline)
        actions = self.turns.tick(self.now)
        assert actions, "a deadline that passes without an action would ring for ever"
        self.took(actions)

    @rule()
    def end(self) -> None:
        self.took(self.turns.end(self.now))
        assert not self.turns.open

    @invariant()
    def edges_alternate(self) -> None:
        kinds: list[type[Any]] = [type(e) for e in self.edges]
        assert all(kind is (OpenTurn, CloseTurn)[n % 2] for n, kind in enumerate(kinds))
        assert self.turns.open == (len(kinds) % 2 == 1)
        assert (self.turns.deadline() is not None) == self.turns.open


TestTurnLaws = TurnLaws.TestCase


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 0.5)), max_size=60))
def test_voiced_time_is_never_more_than_the_turn(marks: list[tuple[bool, float]]) -> None:
    turns, now = TurnMachine(TurnPolicy(flush_after=None)), 0.0
    for voice, gap in marks:
        now += gap
        for action in turns.heard(voice, now):
            if isinstance(action, CloseTurn):
                assert 0 <= action.voiced <= now + 1e-9
