"""Two pairs of ears, one transcript: holes are filled in their places, and every version is kept somewhere."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.events import AlternativeTranscribed, Event, GapFound, GapRepaired, TranscriptMeasured, UtteranceSpoken
from core.transcript.assembler import TranscriptAssembler
from core.transcript.gaps import GapPolicy
from core.transcript.repair import MARGIN, Action, Ask, Note, Prefer, Record, RepairPolicy, TranscriptRepair
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan


def words(first: int, last: int) -> str:
    """One word a half second: what is said from `first` to `last`."""
    return "".join(f" word{n}" for n in range(2 * first, 2 * last))


def answer(until: float = 60.0, heard: tuple[tuple[int, int], ...] = ((0, 60),)) -> FinishedUtterance:
    """Somebody who spoke without a pause from 0 to `until`, and whose words came as they were said in these times."""
    pieces = tuple(
        Fragment(f" word{n}", n / 2 + 1.0) for first, last in heard for n in range(2 * first, 2 * last) if n / 2 < until
    )
    text = "".join(piece.text for piece in pieces).strip()
    voice = tuple(VoiceSpan(float(n), min(n + 10.0, until)) for n in range(0, int(until), 10))
    return FinishedUtterance(UtteranceSpoken(until + 3, "caller", text, 0.0, until), pieces, voice)


def recorded(actions: list[Action]) -> list[UtteranceSpoken]:
    """What is recorded, without the times of its parts: tests/core/test_times.py has those."""
    return [replace(action.spoken, times=()) for action in actions if isinstance(action, Record)]


def asked(actions: list[Action]) -> list[Ask]:
    return [action for action in actions if isinstance(action, Ask)]


def noted(actions: list[Action], kind: type[Event]) -> list[Any]:
    return [action.event for action in actions if isinstance(action, Note) and isinstance(action.event, kind)]


def machine(ears: str = "gaps", prefer: Prefer = "fuller") -> TranscriptRepair:
    mending = TranscriptRepair(RepairPolicy(prefer=prefer))
    if ears != "none":
        mending.ears(always=ears == "always")
    return mending


def test_what_has_no_hole_is_recorded_at_once() -> None:
    mending = machine()
    said = answer()
    assert recorded(actions := mending.said(said, 63.0)) == [said.spoken] and len(actions) == 1
    examiner = FinishedUtterance(UtteranceSpoken(70.0, "examiner", "I see.", 64.0, 66.0))
    assert mending.said(examiner, 70.0) == [Record(examiner.spoken)]
    [measured] = noted(mending.end(71.0), TranscriptMeasured)
    assert measured == TranscriptMeasured(71.0, 1.0, 60.0, 0, 0)
    assert mending.end(72.0) == [], "said once"


def test_a_hole_is_heard_again_and_filled_in_its_place() -> None:
    mending = machine()
    said = answer(heard=((0, 20), (40, 60)))
    actions = mending.said(said, 63.0)
    [hole] = noted(actions, GapFound)
    assert 18 <= hole.started <= 24 and 34 <= hole.ended <= 42
    [ask] = asked(actions)
    assert hole.started - MARGIN - 5 <= ask.started <= hole.started - MARGIN
    assert ask.ended == hole.ended + MARGIN
    assert recorded(actions) == [] and mending.waiting
    heard = words(round(ask.started), round(ask.ended))
    actions = mending.second(heard, ask.started, ask.ended, True, 64.0)
    [repaired] = noted(actions, GapRepaired)
    assert (repaired.started, repaired.ended, repaired.text) == (hole.started, hole.ended, heard)
    [whole] = recorded(actions)
    assert whole.text == words(0, 60).strip() and whole.source == "repaired"
    [otherwise] = noted(actions, AlternativeTranscribed)
    assert (otherwise.text, otherwise.source) == (said.spoken.text, "live")
    [measured] = noted(mending.end(70.0), TranscriptMeasured)
    assert (measured.completeness, measured.holes, measured.repaired) == (1.0, 1, 1)


def broken_off(said: FinishedUtterance) -> FinishedUtterance:
    return replace(said, spoken=replace(said.spoken, partial=True))


def test_the_rest_of_a_turn_that_broke_off_is_heard_again_and_follows_what_there_is() -> None:
    mending = machine()
    said = answer(until=6.0, heard=((0, 4),))
    assert recorded(mending.said(said, 9.0)) == [said.spoken], "a turn that was answered has all of its words"
    mending = machine()
    actions = mending.said(broken_off(said), 9.0)
    [hole] = noted(actions, GapFound)
    assert 3.5 < hole.started < 5.0 and hole.ended == 6.0
    [ask] = asked(actions)
    assert (ask.started, ask.ended) == (0.0, 6.0)
    [whole] = recorded(mending.second(words(0, 6), ask.started, ask.ended, True, 10.0))
    assert whole.text == words(0, 6).strip() and whole.source == "repaired" and whole.partial
    [measured] = noted(mending.end(11.0), TranscriptMeasured)
    assert (measured.completeness, measured.holes, measured.repaired) == (1.0, 1, 1)


def test_a_short_turn_that_broke_off_before_a_word_of_it_came_is_heard_again() -> None:
    mending = machine()
    said = answer(until=1.4, heard=())
    assert mending.said(said, 4.0) == [], "a cough is no word"
    [ask] = asked(mending.said(broken_off(said), 4.0))
    [whole] = recorded(mending.second("My name is Bruce.", ask.started, ask.ended, True, 5.0))
    assert whole.text == "My name is Bruce." and whole.source == "repaired"


def test_without_second_ears_a_hole_is_told_and_nothing_waits() -> None:
    mending = machine("none")
    said = answer(heard=((0, 20),))
    actions = mending.said(said, 63.0)
    assert noted(actions, GapFound) and recorded(actions) == [said.spoken] and asked(actions) == []
    [measured] = noted(mending.end(70.0), TranscriptMeasured)
    assert 0.3 <= measured.completeness <= 0.4
    assert (measured.holes, measured.repaired) == (1, 0)


def test_a_hole_with_enough_text_behind_it_is_found_while_the_turn_goes_on() -> None:
    mending = machine()
    said = answer(heard=((0, 20), (40, 60)))
    assert mending.progress(said.pieces[:60], said.voice[:5], 51.0)
    assert mending.progress(said.pieces[:61], said.voice[:5], 51.5) == [], "not with every word"
    assert mending.progress(said.pieces[:70], said.voice[:5], 55.5) == [], "not twice"
    [(started, ended)] = mending._asked
    assert mending.second(words(12, 43), started, ended, True, 58.0)
    [whole] = recorded(mending.said(said, 63.0))
    assert whole.text == words(0, 60).strip() and whole.source == "repaired"


def test_a_hole_of_a_turn_that_has_all_its_text_is_found_before_it_is_recorded() -> None:
    mending = machine()
    said = answer(heard=((0, 20),))
    first = mending.settled(said.pieces, said.voice, 66.0)
    assert len(noted(first, GapFound)) == len(asked(first)) == 1
    assert mending.said(said, 70.0) == [] and mending.waiting


def test_of_a_hole_that_grew_only_the_rest_is_news() -> None:
    mending = machine()
    said = answer(80.0, heard=((0, 20), (40, 50)))
    first = mending.progress(said.pieces, said.voice[:5], 51.0)
    later = mending.said(said, 83.0)
    holes = [*noted(first, GapFound), *noted(later, GapFound)]
    assert len(holes) == 2
    assert holes[0].ended <= holes[1].started
    for ask in asked([*first, *later]):
        later = mending.second(words(round(ask.started), min(80, round(ask.ended))), ask.started, ask.ended, True, 85.0)
    assert recorded(later)[0].text == words(0, 80).strip()


def test_ears_that_hear_nothing_leave_the_text_as_it_is() -> None:
    mending = machine()
    said = answer(heard=((0, 20),))
    [ask] = asked(mending.said(said, 63.0))
    actions = mending.second("", ask.started, ask.ended, True, 64.0)
    assert recorded(actions) == [UtteranceSpoken(64.0, "caller", said.spoken.text, 0.0, 60.0)]
    assert noted(mending.end(70.0), TranscriptMeasured)[0].repaired == 0


def test_an_utterance_waits_for_a_bounded_time_and_what_comes_later_stands_beside_it() -> None:
    mending = machine()
    said = answer(heard=((0, 20), (40, 60)))
    [ask] = asked(mending.said(said, 63.0))
    due = mending.deadline()
    assert due == 63.0 + 5.0 + 60 / 4
    assert mending.tick(due - 0.1) == []
    assert [spoken.text for spoken in recorded(mending.tick(due))] == [said.spoken.text]
    assert mending.deadline() is None
    actions = mending.second(words(12, 43), ask.started, ask.ended, True, 90.0)
    [beside] = recorded(actions)
    assert (beside.text, beside.source) == (words(20, 40).strip(), "repaired")
    assert said.spoken.started < beside.started < said.spoken.ended
    assert mending.second(words(12, 43), ask.started, ask.ended, True, 91.0) == [], "an answer counts once"
    assert mending.second("never asked", 1.0, 2.0, True, 92.0) == []


def test_what_comes_too_late_and_is_nothing_new_is_only_a_fact() -> None:
    mending = machine()
    said = answer(heard=((0, 20), (40, 60)))
    [ask] = asked(mending.said(said, 63.0))
    mending.tick(99.0)
    actions = mending.second(words(12, 20), ask.started, ask.ended, True, 100.0)
    assert len(noted(actions, GapRepaired)) == 1 and recorded(actions) == []


def test_late_text_of_a_turn_that_the_second_ears_gave_is_no_second_utterance() -> None:
    mending = machine("always")
    mending.second(words(0, 30).strip(), 0.2, 30.0, False, 31.0)
    mending.said(answer(30.0, heard=()), 33.0)
    late = FinishedUtterance(UtteranceSpoken(36.0, "caller", words(10, 30).strip(), 30.0, 30.0))
    actions = mending.said(late, 36.0)
    assert recorded(actions) == [] and len(noted(actions, AlternativeTranscribed)) == 1


def test_a_turn_without_any_text_becomes_an_utterance() -> None:
    mending = machine()
    said = answer(4.0, heard=())
    [ask] = asked(mending.said(said, 8.0))
    [spoken] = recorded(mending.second("Yes, I do.", ask.started, ask.ended, True, 9.0))
    assert (spoken.text, spoken.started, spoken.source) == ("Yes, I do.", 0.0, "repaired")


def test_a_turn_without_text_that_nobody_heard_is_not_recorded() -> None:
    mending = machine("none")
    assert recorded(mending.said(answer(4.0, heard=()), 8.0)) == []


def test_text_that_comes_after_its_repair_is_kept_as_a_fact() -> None:
    mending = machine()
    [ask] = asked(mending.said(answer(4.0, heard=()), 8.0))
    mending.second("Yes, I do.", ask.started, ask.ended, True, 9.0)
    late = FinishedUtterance(UtteranceSpoken(12.0, "caller", "yes I do", 4.0, 4.0), (Fragment("yes I do", 11.0),))
    assert mending.said(late, 12.0) == [Note(AlternativeTranscribed(12.0, 4.0, 4.0, "yes I do", "live"))]
    other = FinishedUtterance(
        UtteranceSpoken(12.0, "caller", "It is raining.", 4.0, 4.0), (Fragment("It is raining.", 11.0),)
    )
    assert mending.said(other, 12.0) == [Record(other.spoken)]


@pytest.mark.parametrize(
    ("prefer", "live", "second", "taken"),
    [
        ("fuller", 20, 60, "shadow"),
        ("fuller", 59, 60, "live"),
        ("fuller", 60, 20, "live"),
        ("shadow", 60, 59, "shadow"),
        ("shadow", 60, 0, "live"),
        ("live", 20, 60, "live"),
        ("live", 0, 60, "shadow"),
    ],
)
def test_of_two_transcripts_one_is_recorded_and_the_other_kept(
    prefer: Prefer, live: int, second: int, taken: str
) -> None:
    mending = machine("always", prefer)
    said = answer(heard=((0, live),))
    assert recorded(mending.said(said, 63.0)) == []
    actions = mending.second(words(0, second).strip(), 0.2, 60.0, False, 65.0)
    [spoken] = recorded(actions)
    versions = {"live": words(0, live).strip(), "shadow": words(0, second).strip()}
    assert (spoken.text, spoken.source) == (versions[taken], taken)
    others = {fact.source: fact.text for fact in noted(actions, AlternativeTranscribed)}
    assert others == {source: text for source, text in versions.items() if text and text != spoken.text}
    assert not mending.waiting


def test_the_second_ears_may_be_first() -> None:
    mending = machine("always")
    assert mending.second(words(0, 60).strip(), 0.2, 60.0, False, 61.0) == []
    assert recorded(mending.said(answer(heard=((0, 20),)), 63.0))[0].source == "shadow"
    [measured] = noted(mending.end(70.0), TranscriptMeasured)
    assert (measured.completeness, measured.holes, measured.repaired) == (1.0, 1, 1)


def test_what_the_second_ears_heard_and_no_utterance_took_is_recorded_at_the_end() -> None:
    mending = machine("always")
    mending.second("Good bye.", 70.0, 71.0, False, 72.0)
    [spoken] = recorded(mending.end(73.0))
    assert (spoken.text, spoken.source, spoken.started) == ("Good bye.", "shadow", 70.0)


def test_the_end_waits_for_nothing() -> None:
    mending = machine()
    said = answer(heard=((0, 20),))
    mending.said(said, 63.0)
    assert [spoken.text for spoken in recorded(mending.end(63.5))] == [said.spoken.text]
    assert not mending.waiting


class Calls(RuleBasedStateMachine):
    """Any order of turns, text, holes and answers: each word is recorded, in order, and nothing changes afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.number = 0
        self.transcript = TranscriptAssembler()
        self.mending = TranscriptRepair(RepairPolicy(GapPolicy()))
        self.given: list[str] = []
        self.asks: list[Ask] = []
        self.utterances: list[UtteranceSpoken] = []
        self.facts: list[Event] = []
        self.open = False

    def take(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Record(spoken):
                    self.utterances.append(spoken)
                case Note(event):
                    self.facts.append(event)
                case Ask():
                    self.asks.append(action)

    def say(self, finished: list[FinishedUtterance]) -> None:
        for said in finished:
            self.take(self.mending.said(said, self.now))

    @rule(always=st.booleans())
    def ears(self, always: bool) -> None:
        self.mending.ears(always)

    @rule(seconds=st.floats(0.1, 20.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.take(self.mending.tick(self.now))

    @rule()
    def speak(self) -> None:
        if not self.open:
            self.open = True
            self.say(self.transcript.caller_opened(self.now))

    @rule(seconds=st.floats(0.5, 30.0))
    def voice(self, seconds: float) -> None:
        if self.open:
            self.transcript.caller_voice(self.now, self.now + seconds)
            self.now += seconds

    @rule(count=st.integers(1, 30))
    def text(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.given.append(f"word{self.number}")
            self.say(self.transcript.caller_text(f" word{self.number}", self.now))
            self.take(self.mending.progress(*self.transcript.caller_so_far, self.now))

    @rule()
    def stop(self) -> None:
        if self.open:
            self.open = False
            self.say(self.transcript.caller_closed(self.now, self.now))

    @rule(interrupted=st.booleans())
    def answered(self, interrupted: bool) -> None:
        self.say(self.transcript.examiner_spoke("Well.", self.now))
        self.say(self.transcript.examiner_done(self.now, interrupted=interrupted))

    @rule(words=st.integers(0, 40))
    def heard_again(self, words: int) -> None:
        if self.asks:
            ask = self.asks.pop(0)
            text = " ".join(f"again{self.number}x{n}" for n in range(words))
            self.take(self.mending.second(text, ask.started, ask.ended, True, self.now))

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        due = self.mending.deadline()
        assert (due is not None) == self.mending.waiting

    def teardown(self) -> None:
        self.say(self.transcript.end(self.now))
        self.take(self.mending.end(self.now))
        told = " ".join(
            one.text
            for one in [*self.utterances, *(fact for fact in self.facts if isinstance(fact, AlternativeTranscribed))]
        ).split()
        assert set(self.given) <= set(told), "no word that was given is lost"
        spoken = [word for one in self.utterances for word in one.text.split() if word.startswith("word")]
        assert len(spoken) == len(set(spoken)), "none stands twice in the transcript"
        assert all(one.started <= one.ended for one in self.utterances)
        measured = [fact for fact in self.facts if isinstance(fact, TranscriptMeasured)]
        assert all(0 <= fact.completeness <= 1 and fact.repaired <= fact.holes for fact in measured)


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=150, stateful_step_count=40, derandomize=True, deadline=None)
