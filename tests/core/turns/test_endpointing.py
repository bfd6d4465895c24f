"""Turns open on speech, are flushed when long, and close on silence, on a key, or for their length."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.turns.endpointing import (
    LONGEST_SPAN,
    STALLED,
    Action,
    CloseTurn,
    OpenTurn,
    TurnMachine,
    TurnPolicy,
    VoiceSpanEnded,
)
from core.turns.flush import PAUSE, Chunk, Flush, FlushStrategy, NoFlush, TimerFlush, ValleyFlush

CHUNK = 0.02


def speak(turns: TurnMachine, start: float, end: float, voice: bool = True) -> list[Action]:
    """Chunks of 20 ms from `start` to `end`; the spans of voice are left out."""
    return [one for one in feed(turns, start, end, voice) if not isinstance(one, VoiceSpanEnded)]


def feed(turns: TurnMachine, start: float, end: float, voice: bool = True) -> list[Action]:
    """Chunks of 20 ms from `start` to `end`."""
    actions: list[Action] = []
    for step in range(1, round((end - start) / CHUNK) + 1):
        actions += turns.on_audio(Chunk(voice, 0.1 if voice else 0.0, CHUNK), start + step * CHUNK)
    return actions


def hush(turns: TurnMachine, start: float, end: float) -> list[Action]:
    """Silence, in chunks of 20 ms."""
    return speak(turns, start, end, voice=False)


def test_speech_opens_a_turn_and_a_pause_closes_it() -> None:
    turns = TurnMachine(TurnPolicy(minimum_speech=0.2, silence=0.5))
    assert [type(a) for a in speak(turns, 0, 2)] == [OpenTurn]
    [closed] = hush(turns, 2, 3)
    assert isinstance(closed, CloseTurn)
    assert closed.at == pytest.approx(2.5, abs=CHUNK)
    assert closed.spoke_until == pytest.approx(2.0)
    assert closed.voiced == pytest.approx(2.0)
    assert not turns.open


def test_a_click_opens_nothing() -> None:
    turns = TurnMachine(TurnPolicy(minimum_speech=0.2))
    actions = []
    for start in (0.0, 1.0, 2.0):
        actions += feed(turns, start, start + 0.1) + hush(turns, start + 0.1, start + 1)
    assert actions == []


def test_a_click_before_a_network_gap_is_still_a_click() -> None:
    turns = TurnMachine(TurnPolicy(minimum_speech=0.2))
    chunk = Chunk(True, 0.1, CHUNK)
    assert turns.on_audio(chunk, 1.0) + turns.on_audio(chunk, 1.5) == []


def test_a_turn_closes_by_the_clock_when_the_source_goes_quiet() -> None:
    turns = TurnMachine(TurnPolicy(silence=0.8), ValleyFlush(0.3, 0.9))
    speak(turns, 0, 1)
    assert turns.holding, "even if audio was held back just then"
    assert turns.deadline() == pytest.approx(1.8 + STALLED)
    assert turns.tick(1.7 + STALLED) == []
    *_, closed = turns.tick(1.8 + STALLED)
    assert closed == CloseTurn(1.8 + STALLED, "silence", pytest.approx(1.0), pytest.approx(1.0))
    assert turns.deadline() is None and not turns.holding


def test_missing_packets_are_no_silence_however_long_they_are_missing() -> None:
    turns = TurnMachine(TurnPolicy(silence=0.8, longest=30.0))
    speak(turns, 0, 2)
    turns.packets_stopped()
    assert turns.deadline() is None
    assert turns.tick(60.0) == [] and turns.set_silence(0.3, 60.0) == [] and turns.open


def test_after_an_absence_the_caller_has_the_whole_pause_again() -> None:
    turns = TurnMachine(TurnPolicy(silence=0.8))
    speak(turns, 0, 2)
    hush(turns, 2, 2.6)
    turns.packets_stopped()
    assert turns.caller_away() == []
    assert hush(turns, 7, 7.7) == [] and turns.deadline() == pytest.approx(7.02 + 0.8 + STALLED)
    assert speak(turns, 7.7, 9) == [], "the same turn goes on"
    [closed] = hush(turns, 9, 10)
    assert isinstance(closed, CloseTurn) and closed.spoke_until == pytest.approx(9.0)
    assert closed.voiced == pytest.approx(3.3, abs=0.02)


def test_an_absence_is_no_voice() -> None:
    turns = TurnMachine(TurnPolicy(silence=0.8))
    speak(turns, 0, 2.5)
    turns.packets_stopped()
    [before] = turns.caller_away()
    [after, *_] = feed(turns, 7, 9)
    assert isinstance(before, VoiceSpanEnded) and before.ended == pytest.approx(2.5)
    assert isinstance(after, VoiceSpanEnded) and after.started == pytest.approx(7.0)


def test_the_beginning_of_a_word_before_an_absence_is_not_put_together_with_one_after_it() -> None:
    turns = TurnMachine(TurnPolicy(minimum_speech=0.2))
    assert feed(turns, 0, 0.14) == []
    turns.packets_stopped()
    assert turns.caller_away() == [] and feed(turns, 7, 7.14) == []
    assert OpenTurn in [type(action) for action in feed(turns, 7.14, 7.3)]


def test_a_long_turn_is_flushed_and_stays_one_turn() -> None:
    turns = TurnMachine(TurnPolicy(silence=1.0), ValleyFlush(4.0, 6.0))
    assert [type(a) for a in speak(turns, 0, 5)] == [OpenTurn]
    [pause] = hush(turns, 5, 5.4)
    assert pause == Flush(pytest.approx(5 + PAUSE / 2, abs=CHUNK), "pause", PAUSE / 2 / CHUNK)
    [ceiling] = speak(turns, 5.4, 11.5)
    assert isinstance(ceiling, Flush) and ceiling.why == "ceiling"
    assert pause.at + 5.5 - CHUNK <= ceiling.at <= pause.at + 6


def test_without_a_strategy_a_turn_is_one_window() -> None:
    turns = TurnMachine(TurnPolicy())
    assert [type(a) for a in speak(turns, 0, 120)] == [OpenTurn]


def test_a_pause_that_arrives_late_is_no_longer_than_it_was() -> None:
    turns = TurnMachine(TurnPolicy(silence=0.8))
    speak(turns, 0, 1)
    pause = [turns.on_audio(Chunk(False, 0.0, CHUNK), 2.2) for _ in range(round(0.7 / CHUNK))]  # all of it at once
    assert not any(pause)
    assert speak(turns, 2.2, 3) == [] and turns.open


def test_nothing_is_flushed_with_the_end_of_a_turn_nor_after_it() -> None:
    turns = TurnMachine(TurnPolicy(silence=0.5), TimerFlush(2.0))
    speak(turns, 0, 1.9)
    late = turns.on_audio(Chunk(False, 0.0, CHUNK), 2.5 + STALLED)  # the timer is up, and so is the silence
    assert [type(a) for a in late] == [VoiceSpanEnded, CloseTurn]
    assert hush(turns, 2.5 + STALLED, 9) == []


def test_the_end_of_the_call_closes_what_is_open_and_nothing_else() -> None:
    turns = TurnMachine(TurnPolicy())
    assert turns.close_turn(0.5) == []
    speak(turns, 1, 2)
    *_, closed = turns.close_turn(2.0)
    assert isinstance(closed, CloseTurn) and closed.why == "ended"
    assert turns.close_turn(2.1) == []


def test_a_question_may_ask_for_a_longer_or_shorter_silence_even_in_mid_answer() -> None:
    turns = TurnMachine(TurnPolicy(silence=0.8))
    assert turns.set_silence(3.0, 0.0) == []
    speak(turns, 0, 1)
    assert turns.deadline() == pytest.approx(4.0 + STALLED)
    assert hush(turns, 1, 2) == []
    assert turns.set_silence(1.5, 2.0) == [] and turns.deadline() == pytest.approx(2.5 + STALLED)
    [closed] = turns.set_silence(0.5, 2.1)
    assert isinstance(closed, CloseTurn) and closed.at == 2.1
    turns.set_silence(None, 2.2)
    speak(turns, 3, 4)
    assert turns.deadline() == pytest.approx(4.8 + STALLED)


def test_a_turn_that_is_too_long_is_closed_and_noise_that_goes_on_opens_no_other() -> None:
    turns = TurnMachine(TurnPolicy(longest=10.0))
    actions = speak(turns, 0, 30)
    assert [type(a) for a in actions] == [OpenTurn, CloseTurn]
    assert isinstance(actions[1], CloseTurn) and actions[1].why == "longest"
    assert actions[1].at == pytest.approx(10.2, abs=2 * CHUNK)
    hush(turns, 30, 30.2)
    assert [type(a) for a in speak(turns, 30.2, 31)] == [OpenTurn]


def test_a_turn_that_is_too_long_is_closed_by_the_clock_as_well() -> None:
    turns = TurnMachine(TurnPolicy(silence=3.0, longest=1.5))
    speak(turns, 0, 1)
    assert turns.deadline() == pytest.approx(1.7, abs=CHUNK)
    *_, closed = turns.tick(1.72)
    assert isinstance(closed, CloseTurn) and closed.why == "longest"


def test_a_key_ends_a_turn_and_the_last_word_of_it_opens_no_other() -> None:
    turns = TurnMachine(TurnPolicy())
    speak(turns, 0, 2)
    *_, closed = turns.close_turn(2.0, "key")
    assert isinstance(closed, CloseTurn) and closed.why == "key"
    assert speak(turns, 2, 2.5) + hush(turns, 2.5, 3) == []
    assert [type(a) for a in speak(turns, 3, 4)] == [OpenTurn]


def test_voice_is_reported_in_spans_between_pauses_of_a_second_at_most() -> None:
    turns = TurnMachine(TurnPolicy(silence=2.0))
    actions = feed(turns, 0, 2.5) + hush(turns, 2.5, 2.54) + feed(turns, 2.54, 2.7)
    actions += feed(turns, 2.7, 3.5, voice=False) + feed(turns, 3.5, 4.0) + turns.close_turn(4.0)
    spans = [(one.started, one.ended) for one in actions if isinstance(one, VoiceSpanEnded)]
    assert spans == [pytest.approx(span) for span in ((0, 1), (1, 2), (2, 2.7), (3.5, 4.0))]


def test_a_click_is_not_reported_as_voice() -> None:
    turns = TurnMachine(TurnPolicy())
    feed(turns, 0, 0.1)
    hush(turns, 0.1, 1)
    actions = feed(turns, 1, 2) + turns.close_turn(2.0)
    assert [one.started for one in actions if isinstance(one, VoiceSpanEnded)] == [pytest.approx(1.0)]


class TurnLaws(RuleBasedStateMachine):
    """Whatever audio comes, in bursts or not: edges alternate, deadlines lie ahead, and a tick at one acts."""

    policy = TurnPolicy(0.1, 0.5)

    def strategy(self) -> FlushStrategy:
        return ValleyFlush(1.0, 2.0)

    def __init__(self) -> None:
        super().__init__()
        self.turns = TurnMachine(self.policy, self.strategy())
        self.now = 0.0
        self.silence = self.policy.silence
        self.edges: list[Action] = []
        self.seconds = 0.0  # of audio since the last turn closed
        self.quiet = 0.0  # seconds of audio since the last voice
        self.voice_at = 0.0
        self.reported_until = 0.0
        self.flushed_at = 0.0

    def took(self, actions: list[Action]) -> None:
        for n, action in enumerate(actions):
            match action:
                case OpenTurn(at):
                    assert at == self.now
                    self.edges.append(action)
                    self.flushed_at = at
                case Flush(at):
                    assert self.turns.open and n == len(actions) - 1, "only inside a turn"
                    assert self.flushed_at < at <= self.now + 1e-9
                    self.flushed_at = at
                case VoiceSpanEnded(started, ended):
                    assert self.reported_until <= started < ended <= self.now, "spans never overlap"
                    self.reported_until = ended
                case CloseTurn(at, why, spoke_until, voiced):
                    assert at == self.now and n == len(actions) - 1
                    assert self.reported_until == spoke_until <= at, "all voice was reported"
                    assert 0 < voiced <= self.seconds + 1e-6
                    if why == "silence":
                        stalled = at - spoke_until >= self.silence + STALLED - 1e-9
                        assert stalled or self.quiet >= self.silence - 1e-6
                    self.edges.append(action)
                    self.seconds = 0.0

    @rule(
        voice=st.booleans(),
        level=st.sampled_from([0.0, 0.01, 0.3]),
        length=st.sampled_from([0.02, 0.032, 0.1]),
        late=st.one_of(st.just(0.0), st.just(0.0), st.floats(0.0, 1.0)),
    )
    def audio_comes(self, voice: bool, level: float, length: float, late: float) -> None:
        self.now += length + late
        self.seconds += length
        self.quiet = 0.0 if voice else self.quiet + length
        if voice:
            self.voice_at = self.now
        self.took(self.turns.on_audio(Chunk(voice, level, length), self.now))

    @rule(count=st.integers(1, 30), voice=st.booleans())
    def much_audio_comes(self, count: int, voice: bool) -> None:
        for _ in range(count):
            self.audio_comes(voice, 0.1, 0.032, 0.0)

    @rule(count=st.integers(2, 10))
    def a_burst_comes(self, count: int) -> None:
        """Audio that was under way for long comes all at once."""
        self.now += 0.3
        for _ in range(count):
            self.seconds += 0.032
            self.voice_at, self.quiet = self.now, 0.0
            self.took(self.turns.on_audio(Chunk(True, 0.1, 0.032), self.now))

    @precondition(lambda self: self.turns.deadline() is not None)
    @rule()
    def wait_for_the_deadline(self) -> None:
        deadline = self.turns.deadline()
        assert deadline is not None
        self.now = max(self.now, deadline)
        actions = self.turns.tick(self.now)
        assert actions, "a deadline that passes without an action would ring for ever"
        self.took(actions)

    @precondition(lambda self: self.turns.deadline() is not None)
    @rule(share=st.floats(0.0, 0.99))
    def wait_for_less(self, share: float) -> None:
        deadline = self.turns.deadline()
        assert deadline is not None
        self.now += share * (deadline - self.now)
        if self.now < deadline:
            assert self.turns.tick(self.now) == [], "nothing happens before the deadline"

    @rule(silence=st.sampled_from([None, 0.3, 1.5]))
    def set_silence(self, silence: float | None) -> None:
        self.silence = self.policy.silence if silence is None else silence
        self.took(self.turns.set_silence(silence, self.now))

    @rule()
    def close_turn(self) -> None:
        self.took(self.turns.close_turn(self.now))
        assert not self.turns.open

    @invariant()
    def edges_alternate(self) -> None:
        kinds: list[type[Any]] = [type(e) for e in self.edges]
        assert all(kind is (OpenTurn, CloseTurn)[n % 2] for n, kind in enumerate(kinds))
        assert self.turns.open == (len(kinds) % 2 == 1)

    @invariant()
    def a_turn_ends_in_time(self) -> None:
        deadline = self.turns.deadline()
        assert (deadline is not None) == self.turns.open
        if deadline is not None:
            assert deadline > self.now, "no deadline in the past"
            assert self.now - self.voice_at < self.silence + STALLED + 1e-9
            assert deadline <= self.voice_at + self.silence + STALLED + 1e-9
            assert self.quiet < self.silence + 1e-6, "silence in the audio ends it sooner"

    @invariant()
    def nothing_is_held_back_outside_a_turn(self) -> None:
        assert self.turns.open or not self.turns.holding


class TimedTurnLaws(TurnLaws):
    policy = TurnPolicy(0.2, 0.8, longest=3.0)

    def strategy(self) -> FlushStrategy:
        return TimerFlush(0.5)


class PlainTurnLaws(TurnLaws):
    policy = TurnPolicy(0.3, 0.4)

    def strategy(self) -> FlushStrategy:
        return NoFlush()


TestTurnLaws = TurnLaws.TestCase
TestTimedTurnLaws = TimedTurnLaws.TestCase
TestPlainTurnLaws = PlainTurnLaws.TestCase
TestTurnLaws.settings = TestTimedTurnLaws.settings = TestPlainTurnLaws.settings = settings(max_examples=100)


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 0.5)), max_size=60))
def test_spans_of_voice_are_as_long_as_the_voice_and_short_gaps(marks: list[tuple[bool, float]]) -> None:
    turns, now, reported, gaps = TurnMachine(TurnPolicy(silence=0.6)), 0.0, 0.0, 0.0
    for voice, length in marks:
        now += length
        gaps += 0.0 if voice else min(length, PAUSE)
        for action in turns.on_audio(Chunk(voice, 0.1, length), now):
            if isinstance(action, VoiceSpanEnded):
                assert action.ended - action.started <= LONGEST_SPAN + 0.5 + PAUSE
                reported += action.ended - action.started
            if isinstance(action, CloseTurn):
                assert action.voiced - 1e-6 <= reported <= action.voiced + gaps + 1e-6
                reported = gaps = 0.0
