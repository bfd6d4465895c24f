"""Two transcriptions, one transcript: gaps are filled in their places, and every version is recorded somewhere."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from core.events import AlternativeTranscribed, Event, GapFound, GapRepaired, TranscriptMeasured, UtteranceSpoken
from core.transcript.assembler import TranscriptAssembler
from core.transcript.gaps import GapPolicy
from core.transcript.repair import (
    MARGIN,
    Action,
    Prefer,
    RecordEvent,
    RecordUtterance,
    RepairPolicy,
    Retranscribe,
    TranscriptRepair,
)
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan


def words(first: int, last: int) -> str:
    """One word a half second: what is said from `first` to `last`."""
    return "".join(f" word{n}" for n in range(2 * first, 2 * last))


def answer(until: float = 60.0, transcribed: tuple[tuple[int, int], ...] = ((0, 60),)) -> FinishedUtterance:
    """A turn without a pause from 0 to `until`, whose words arrived as they were said in the `transcribed` times."""
    fragments = tuple(
        Fragment(f" word{n}", n / 2 + 1.0)
        for first, last in transcribed
        for n in range(2 * first, 2 * last)
        if n / 2 < until
    )
    text = "".join(fragment.text for fragment in fragments).strip()
    voice = tuple(VoiceSpan(float(n), min(n + 10.0, until)) for n in range(0, int(until), 10))
    return FinishedUtterance(UtteranceSpoken(until + 3, "caller", text, 0.0, until), fragments, voice)


def recorded(actions: list[Action]) -> list[UtteranceSpoken]:
    """The recorded utterances without the timing of their segments: test_timing.py has those."""
    return [replace(action.utterance, times=()) for action in actions if isinstance(action, RecordUtterance)]


def requested(actions: list[Action]) -> list[Retranscribe]:
    return [action for action in actions if isinstance(action, Retranscribe)]


def noted(actions: list[Action], kind: type[Event]) -> list[Any]:
    return [action.event for action in actions if isinstance(action, RecordEvent) and isinstance(action.event, kind)]


def machine(mode: str = "gaps", prefer: Prefer = "fuller") -> TranscriptRepair:
    repair = TranscriptRepair(RepairPolicy(prefer=prefer))
    if mode != "none":
        repair.transcriber_ready(always=mode == "always")
    return repair


def test_an_utterance_without_a_gap_is_recorded_at_once() -> None:
    repair = machine()
    finished = answer()
    assert recorded(actions := repair.utterance_finished(finished, 63.0)) == [finished.utterance] and len(actions) == 1
    examiner = FinishedUtterance(UtteranceSpoken(70.0, "examiner", "I see.", 64.0, 66.0))
    assert repair.utterance_finished(examiner, 70.0) == [RecordUtterance(examiner.utterance)]
    [measured] = noted(repair.finish(71.0), TranscriptMeasured)
    assert measured == TranscriptMeasured(71.0, 1.0, 60.0, 0, 0)
    assert repair.finish(72.0) == [], "measured once"


def test_a_gap_is_retranscribed_and_filled_in_its_place() -> None:
    repair = machine()
    finished = answer(transcribed=((0, 20), (40, 60)))
    actions = repair.utterance_finished(finished, 63.0)
    [gap] = noted(actions, GapFound)
    assert 18 <= gap.started <= 24 and 34 <= gap.ended <= 42
    [request] = requested(actions)
    assert gap.started - MARGIN - 5 <= request.started <= gap.started - MARGIN
    assert request.ended == gap.ended + MARGIN
    assert recorded(actions) == [] and repair.waiting
    retranscribed = words(round(request.started), round(request.ended))
    actions = repair.transcribed(retranscribed, request.started, request.ended, True, 64.0)
    [repaired] = noted(actions, GapRepaired)
    assert (repaired.started, repaired.ended, repaired.text) == (gap.started, gap.ended, retranscribed)
    [whole] = recorded(actions)
    assert whole.text == words(0, 60).strip() and whole.source == "repaired"
    [alternative] = noted(actions, AlternativeTranscribed)
    assert (alternative.text, alternative.source) == (finished.utterance.text, "live")
    [measured] = noted(repair.finish(70.0), TranscriptMeasured)
    assert (measured.completeness, measured.gaps, measured.repaired) == (1.0, 1, 1)


def test_of_a_gap_that_grows_only_what_is_new_is_retranscribed() -> None:
    repair = machine()
    gaps: list[Any] = []
    for until in (12.0, 20.0, 28.0):  # the caller goes on, and no more text comes
        growing = answer(until, transcribed=((0, 4),))
        gaps += noted(repair.text_complete(growing.fragments, growing.voice, until + 5), GapFound)
    assert [gap.ended for gap in gaps] == [12.0, 20.0, 28.0]
    assert [gap.started for gap in gaps[1:]] == [12.0, 20.0], "each from where the last one ended"


def broken_off(finished: FinishedUtterance) -> FinishedUtterance:
    return replace(finished, utterance=replace(finished.utterance, partial=True))


def test_the_rest_of_a_turn_that_broke_off_is_retranscribed_and_follows_what_there_is() -> None:
    repair = machine()
    finished = answer(until=6.0, transcribed=((0, 4),))
    assert recorded(repair.utterance_finished(finished, 9.0)) == [finished.utterance], (
        "a turn that was answered has all of its words"
    )
    repair = machine()
    actions = repair.utterance_finished(broken_off(finished), 9.0)
    [gap] = noted(actions, GapFound)
    assert 3.5 < gap.started < 5.0 and gap.ended == 6.0
    [request] = requested(actions)
    assert (request.started, request.ended) == (0.0, 6.0)
    [whole] = recorded(repair.transcribed(words(0, 6), request.started, request.ended, True, 10.0))
    assert whole.text == words(0, 6).strip() and whole.source == "repaired" and whole.partial
    [measured] = noted(repair.finish(11.0), TranscriptMeasured)
    assert (measured.completeness, measured.gaps, measured.repaired) == (1.0, 1, 1)


def test_a_short_turn_that_broke_off_before_a_word_of_it_arrived_is_retranscribed() -> None:
    repair = machine()
    finished = answer(until=1.4, transcribed=())
    [request] = requested(repair.utterance_finished(broken_off(finished), 4.0))
    [whole] = recorded(repair.transcribed("My name is Bruce.", request.started, request.ended, True, 5.0))
    assert whole.text == "My name is Bruce." and whole.source == "repaired"


def test_a_short_answer_without_a_word_is_retranscribed_and_a_cough_is_not() -> None:
    repair = machine()
    cough, yes = (replace(answer(until=1.4, transcribed=()), voice=(VoiceSpan(0.0, end),)) for end in (0.4, 0.9))
    assert repair.utterance_finished(cough, 4.0) == []
    [request] = requested(repair.utterance_finished(yes, 8.0))
    [whole] = recorded(repair.transcribed("Yes.", request.started, request.ended, True, 9.0))
    assert (whole.text, whole.source) == ("Yes.", "repaired")


def test_a_call_of_short_answers_of_which_none_was_transcribed_has_no_completeness() -> None:
    repair = machine("none")
    for n in range(4):
        voice = (VoiceSpan(10.0 * n, 10.0 * n + 1.0),)
        spoken = UtteranceSpoken(10.0 * n + 3, "caller", "", 10.0 * n, 10.0 * n + 1.0)
        assert noted(repair.utterance_finished(FinishedUtterance(spoken, (), voice), 10.0 * n + 3), GapFound)
    [measured] = noted(repair.finish(50.0), TranscriptMeasured)
    assert (measured.completeness, measured.gaps) == (0.0, 4)


HINDI = "मेरा नाम ब्रूस है और मैं कनाडा में रहता हूँ मुझे यहाँ अच्छा लगता है"
QUESTION = FinishedUtterance(
    UtteranceSpoken(0.0, "examiner", "Where do you live, and what do you like there?", 0.0, 1.0)
)


def misheard(*said: tuple[str, float]) -> FinishedUtterance:
    """A turn of 8 s, with a word each half second."""
    fragments = tuple(Fragment(f" {word}", at) for word, at in said)
    text = " ".join(word for word, _ in said)
    return FinishedUtterance(UtteranceSpoken(11.0, "caller", text, 0.0, 8.0), fragments, (VoiceSpan(0.0, 8.0),))


def paced(text: str, start: float = 1.0) -> list[tuple[str, float]]:
    return [(word, start + n / 2) for n, word in enumerate(text.split())]


@pytest.mark.parametrize("mode", ["gaps", "always"])
def test_words_of_another_script_are_replaced_by_the_second_transcriber(mode: str) -> None:
    repair = machine(mode)
    repair.utterance_finished(QUESTION, 0.0)
    actions = repair.utterance_finished(misheard(*paced(HINDI)), 11.0)
    [gap] = noted(actions, GapFound)
    assert gap.why == "script" and recorded(actions) == []
    english = "My name is Bruce and I live in Canada and I like it here."
    actions = repair.transcribed(english, 0.0, 8.0, mode == "gaps", 12.0)
    [whole] = recorded(actions)
    assert whole.text == english and whole.source == ("repaired" if mode == "gaps" else "shadow")
    [other] = noted(actions, AlternativeTranscribed)
    assert other.text == HINDI and other.source == "live"
    [measured] = noted(repair.finish(20.0), TranscriptMeasured)
    assert measured.completeness == 1.0


@pytest.mark.parametrize("answered", ["", "वह कुछ और कहता है", None])
def test_words_of_another_script_are_kept_marked_and_never_counted_where_there_is_no_better(
    answered: str | None,
) -> None:
    repair = machine("none" if answered is None else "gaps")
    repair.utterance_finished(QUESTION, 0.0)
    actions = repair.utterance_finished(misheard(*paced(HINDI)), 11.0)
    if answered is not None:
        actions += repair.transcribed(answered, 0.0, 8.0, True, 12.0)
    [kept] = recorded(actions)
    assert kept.text == HINDI and kept.source == "live"
    assert [gap.why for gap in noted(actions, GapFound)] == ["script"]
    [measured] = noted(repair.finish(20.0), TranscriptMeasured)
    assert measured.completeness == 0.0


def test_where_only_a_part_is_of_another_script_only_that_is_replaced() -> None:
    repair = machine()
    repair.utterance_finished(QUESTION, 0.0)
    said = [
        *paced("My name is Bruce and I live in a small"),
        *paced("विश्वविद्यालय नगर न्यू ब्रंसविक कनाडा में है", 6.0),
        *paced("which I like", 11.0),
    ]
    finished = replace(misheard(*said), voice=(VoiceSpan(0.0, 12.0),))
    [request] = requested(repair.utterance_finished(finished, 15.0))
    heard = "and I live in a small university town in New Brunswick in Canada which I like"
    [whole] = recorded(repair.transcribed(heard, request.started, request.ended, True, 16.0))
    assert whole.text == (
        "My name is Bruce and I live in a small university town in New Brunswick in Canada which I like"
    )


def test_text_that_is_late_fills_the_gap_of_its_turn() -> None:
    repair = machine("none")
    spoken = answer(until=4.0, transcribed=())
    assert noted(repair.utterance_finished(spoken, 6.0), GapFound)
    late = FinishedUtterance(UtteranceSpoken(12.0, "caller", "I live in Sackville.", 4.0, 4.0))
    assert recorded(repair.utterance_finished(late, 12.0))
    [measured] = noted(repair.finish(20.0), TranscriptMeasured)
    assert (measured.completeness, measured.gaps, measured.repaired) == (1.0, 1, 0)


def test_without_a_second_transcriber_a_gap_is_recorded_and_nothing_waits() -> None:
    repair = machine("none")
    finished = answer(transcribed=((0, 20),))
    actions = repair.utterance_finished(finished, 63.0)
    assert noted(actions, GapFound) and recorded(actions) == [finished.utterance] and requested(actions) == []
    [measured] = noted(repair.finish(70.0), TranscriptMeasured)
    assert 0.3 <= measured.completeness <= 0.4
    assert (measured.gaps, measured.repaired) == (1, 0)


def test_a_gap_with_enough_text_behind_it_is_found_while_the_turn_goes_on() -> None:
    repair = machine()
    finished = answer(transcribed=((0, 20), (40, 60)))
    assert repair.progress(finished.fragments[:60], finished.voice[:5], 51.0)
    assert repair.progress(finished.fragments[:61], finished.voice[:5], 51.5) == [], "not with every word"
    assert repair.progress(finished.fragments[:70], finished.voice[:5], 55.5) == [], "not twice"
    [(started, ended)] = repair._requested
    assert repair.transcribed(words(12, 43), started, ended, True, 58.0)
    [whole] = recorded(repair.utterance_finished(finished, 63.0))
    assert whole.text == words(0, 60).strip() and whole.source == "repaired"


def test_a_gap_of_a_turn_that_has_all_its_text_is_found_before_it_is_recorded() -> None:
    repair = machine()
    finished = answer(transcribed=((0, 20),))
    first = repair.text_complete(finished.fragments, finished.voice, 66.0)
    assert len(noted(first, GapFound)) == len(requested(first)) == 1
    assert repair.utterance_finished(finished, 70.0) == [] and repair.waiting


def test_of_a_gap_that_grew_only_the_rest_is_new() -> None:
    repair = machine()
    finished = answer(80.0, transcribed=((0, 20), (40, 50)))
    first = repair.progress(finished.fragments, finished.voice[:5], 51.0)
    later = repair.utterance_finished(finished, 83.0)
    gaps = [*noted(first, GapFound), *noted(later, GapFound)]
    assert len(gaps) == 2
    assert gaps[0].ended <= gaps[1].started
    for request in requested([*first, *later]):
        later = repair.transcribed(
            words(round(request.started), min(80, round(request.ended))), request.started, request.ended, True, 85.0
        )
    assert recorded(later)[0].text == words(0, 80).strip()


def test_a_retranscription_without_words_leaves_the_text_as_it_is() -> None:
    repair = machine()
    finished = answer(transcribed=((0, 20),))
    [request] = requested(repair.utterance_finished(finished, 63.0))
    actions = repair.transcribed("", request.started, request.ended, True, 64.0)
    assert recorded(actions) == [UtteranceSpoken(64.0, "caller", finished.utterance.text, 0.0, 60.0)]
    assert noted(repair.finish(70.0), TranscriptMeasured)[0].repaired == 0


def test_an_utterance_waits_for_a_bounded_time_and_a_later_repair_is_an_utterance_of_its_own() -> None:
    repair = machine()
    finished = answer(transcribed=((0, 20), (40, 60)))
    [request] = requested(repair.utterance_finished(finished, 63.0))
    deadline = repair.deadline()
    assert deadline == 63.0 + 5.0 + 60 / 4
    assert repair.tick(deadline - 0.1) == []
    assert [utterance.text for utterance in recorded(repair.tick(deadline))] == [finished.utterance.text]
    assert repair.deadline() is None
    actions = repair.transcribed(words(12, 43), request.started, request.ended, True, 90.0)
    [separate] = recorded(actions)
    assert (separate.text, separate.source) == (words(20, 40).strip(), "repaired")
    assert finished.utterance.started < separate.started < finished.utterance.ended
    assert repair.transcribed(words(12, 43), request.started, request.ended, True, 91.0) == [], "an answer counts once"
    assert repair.transcribed("never requested", 1.0, 2.0, True, 92.0) == []


def test_a_late_repair_that_has_nothing_new_is_only_an_event() -> None:
    repair = machine()
    finished = answer(transcribed=((0, 20), (40, 60)))
    [request] = requested(repair.utterance_finished(finished, 63.0))
    repair.tick(99.0)
    actions = repair.transcribed(words(12, 20), request.started, request.ended, True, 100.0)
    assert len(noted(actions, GapRepaired)) == 1 and recorded(actions) == []


def test_late_text_of_a_turn_that_the_second_transcriber_supplied_is_no_second_utterance() -> None:
    repair = machine("always")
    repair.transcribed(words(0, 30).strip(), 0.2, 30.0, False, 31.0)
    repair.utterance_finished(answer(30.0, transcribed=()), 33.0)
    late = FinishedUtterance(UtteranceSpoken(36.0, "caller", words(10, 30).strip(), 30.0, 30.0))
    actions = repair.utterance_finished(late, 36.0)
    assert recorded(actions) == [] and len(noted(actions, AlternativeTranscribed)) == 1


def test_a_turn_without_any_text_becomes_an_utterance() -> None:
    repair = machine()
    finished = answer(4.0, transcribed=())
    [request] = requested(repair.utterance_finished(finished, 8.0))
    [utterance] = recorded(repair.transcribed("Yes, I do.", request.started, request.ended, True, 9.0))
    assert (utterance.text, utterance.started, utterance.source) == ("Yes, I do.", 0.0, "repaired")


def test_a_turn_without_text_that_nobody_transcribed_is_not_recorded() -> None:
    repair = machine("none")
    assert recorded(repair.utterance_finished(answer(4.0, transcribed=()), 8.0)) == []


def test_text_that_arrives_after_its_repair_is_recorded_as_an_event() -> None:
    repair = machine()
    [request] = requested(repair.utterance_finished(answer(4.0, transcribed=()), 8.0))
    repair.transcribed("Yes, I do.", request.started, request.ended, True, 9.0)
    late = FinishedUtterance(UtteranceSpoken(12.0, "caller", "yes I do", 4.0, 4.0), (Fragment("yes I do", 11.0),))
    assert repair.utterance_finished(late, 12.0) == [
        RecordEvent(AlternativeTranscribed(12.0, 4.0, 4.0, "yes I do", "live"))
    ]
    other = FinishedUtterance(
        UtteranceSpoken(12.0, "caller", "It is raining.", 4.0, 4.0), (Fragment("It is raining.", 11.0),)
    )
    assert repair.utterance_finished(other, 12.0) == [RecordUtterance(other.utterance)]


@pytest.mark.parametrize(
    ("prefer", "live", "shadow", "source"),
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
def test_of_two_transcriptions_one_is_recorded_and_the_other_an_event(
    prefer: Prefer, live: int, shadow: int, source: str
) -> None:
    repair = machine("always", prefer)
    finished = answer(transcribed=((0, live),))
    assert recorded(repair.utterance_finished(finished, 63.0)) == []
    actions = repair.transcribed(words(0, shadow).strip(), 0.2, 60.0, False, 65.0)
    [utterance] = recorded(actions)
    versions = {"live": words(0, live).strip(), "shadow": words(0, shadow).strip()}
    assert (utterance.text, utterance.source) == (versions[source], source)
    others = {event.source: event.text for event in noted(actions, AlternativeTranscribed)}
    assert others == {name: text for name, text in versions.items() if text and text != utterance.text}
    assert not repair.waiting


def test_the_second_transcriber_may_be_first() -> None:
    repair = machine("always")
    assert repair.transcribed(words(0, 60).strip(), 0.2, 60.0, False, 61.0) == []
    assert recorded(repair.utterance_finished(answer(transcribed=((0, 20),)), 63.0))[0].source == "shadow"
    [measured] = noted(repair.finish(70.0), TranscriptMeasured)
    assert (measured.completeness, measured.gaps, measured.repaired) == (1.0, 1, 1)


def test_a_shadow_turn_that_belongs_to_no_utterance_is_recorded_at_the_end() -> None:
    repair = machine("always")
    repair.transcribed("Good bye.", 70.0, 71.0, False, 72.0)
    [utterance] = recorded(repair.finish(73.0))
    assert (utterance.text, utterance.source, utterance.started) == ("Good bye.", "shadow", 70.0)


def test_the_end_waits_for_nothing() -> None:
    repair = machine()
    finished = answer(transcribed=((0, 20),))
    repair.utterance_finished(finished, 63.0)
    assert [utterance.text for utterance in recorded(repair.finish(63.5))] == [finished.utterance.text]
    assert not repair.waiting


class Calls(RuleBasedStateMachine):
    """Any order of turns, text, gaps and repairs: each word is recorded, in order, and nothing changes afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.number = 0
        self.transcript = TranscriptAssembler()
        self.repair = TranscriptRepair(RepairPolicy(GapPolicy()))
        self.given: list[str] = []
        self.requests: list[Retranscribe] = []
        self.utterances: list[UtteranceSpoken] = []
        self.events: list[Event] = []
        self.open = False

    def carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case RecordUtterance(utterance):
                    self.utterances.append(utterance)
                case RecordEvent(event):
                    self.events.append(event)
                case Retranscribe():
                    self.requests.append(action)

    def finish_all(self, finished: list[FinishedUtterance]) -> None:
        for one in finished:
            self.carry_out(self.repair.utterance_finished(one, self.now))

    @rule(always=st.booleans())
    def transcriber_ready(self, always: bool) -> None:
        self.repair.transcriber_ready(always)

    @rule(seconds=st.floats(0.1, 20.0))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.carry_out(self.repair.tick(self.now))

    @rule()
    def speak(self) -> None:
        if not self.open:
            self.open = True
            self.finish_all(self.transcript.caller_started(self.now))

    @rule(seconds=st.floats(0.5, 30.0))
    def voice(self, seconds: float) -> None:
        if self.open:
            self.transcript.voice_detected(self.now, self.now + seconds)
            self.now += seconds

    @rule(count=st.integers(1, 30))
    def text(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.given.append(f"word{self.number}")
            self.finish_all(self.transcript.caller_transcribed(f" word{self.number}", self.now))
            self.carry_out(self.repair.progress(*self.transcript.caller_pending, self.now))

    @rule()
    def stop(self) -> None:
        if self.open:
            self.open = False
            self.finish_all(self.transcript.caller_stopped(self.now, self.now))

    @rule(interrupted=st.booleans())
    def answered(self, interrupted: bool) -> None:
        self.finish_all(self.transcript.examiner_transcribed("Well.", self.now))
        self.finish_all(self.transcript.reply_done(self.now, interrupted=interrupted))

    @rule(words=st.integers(0, 40))
    def retranscribed(self, words: int) -> None:
        if self.requests:
            request = self.requests.pop(0)
            text = " ".join(f"repaired{self.number}x{n}" for n in range(words))
            self.carry_out(self.repair.transcribed(text, request.started, request.ended, True, self.now))

    @invariant()
    def nothing_waits_for_ever(self) -> None:
        deadline = self.repair.deadline()
        assert (deadline is not None) == self.repair.waiting

    def teardown(self) -> None:
        self.finish_all(self.transcript.finish(self.now))
        self.carry_out(self.repair.finish(self.now))
        recorded = " ".join(
            one.text
            for one in [
                *self.utterances,
                *(event for event in self.events if isinstance(event, AlternativeTranscribed)),
            ]
        ).split()
        assert set(self.given) <= set(recorded), "no word that was given is lost"
        utterance = [word for one in self.utterances for word in one.text.split() if word.startswith("word")]
        assert len(utterance) == len(set(utterance)), "none stands twice in the transcript"
        assert all(one.started <= one.ended for one in self.utterances)
        measured = [event for event in self.events if isinstance(event, TranscriptMeasured)]
        assert all(0 <= event.completeness <= 1 and event.repaired <= event.gaps for event in measured)


TestCalls = Calls.TestCase
TestCalls.settings = settings(max_examples=150, stateful_step_count=40, derandomize=True, deadline=None)
