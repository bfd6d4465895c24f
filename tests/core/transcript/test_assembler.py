"""Pieces become utterances, late ones in their place, none lost and none twice."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import UtteranceSpoken
from core.transcript.assembler import TranscriptAssembler
from core.transcript.spacing import Spacing
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan


def spoken(finished: Sequence[FinishedUtterance]) -> list[UtteranceSpoken]:
    """The utterances alone."""
    return [said.spoken for said in finished]


def texts(finished: Sequence[FinishedUtterance]) -> list[str]:
    return [said.spoken.text for said in finished]


def test_a_question_and_its_answer() -> None:
    t = TranscriptAssembler()
    t.examiner_spoke("What is", 1.0)
    t.examiner_spoke(" your name?", 1.2)
    assert t.examiner_text == "What is your name?"
    assert spoken(t.examiner_done(2.0)) == [UtteranceSpoken(2.0, "examiner", "What is your name?", 1.0, 2.0)]
    assert t.caller_opened(3.0) == []
    t.caller_text("My name", 3.5)
    t.caller_closed(4.8, spoke_until=4.0)
    t.examiner_spoke("Thank", 5.0)
    t.caller_text(" is Bruce.", 5.1)  # late, after the reply began
    t.examiner_spoke(" you.", 5.2)
    assert spoken(t.examiner_done(6.0)) == [
        UtteranceSpoken(6.0, "caller", "My name is Bruce.", 3.0, 4.0),
        UtteranceSpoken(6.0, "examiner", "Thank you.", 5.0, 6.0),
    ]
    assert t.end(7.0) == []


def test_the_end_keeps_what_is_pending_and_marks_it() -> None:
    t = TranscriptAssembler()
    t.examiner_spoke("Describe", 0.5)
    t.caller_opened(1.0)
    t.caller_text("I live in", 2.0)
    assert spoken(t.end(3.0)) == [
        UtteranceSpoken(3.0, "examiner", "Describe", 0.5, 0.5, partial=True),
        UtteranceSpoken(3.0, "caller", "I live in", 1.0, 2.0, partial=True),
    ]


def test_an_interrupted_reply_is_marked_and_the_open_turn_goes_on() -> None:
    t = TranscriptAssembler()
    t.examiner_spoke("Now tell me", 1.0)
    t.caller_opened(1.5)
    assert spoken(t.examiner_done(1.6, interrupted=True)) == [
        UtteranceSpoken(1.6, "examiner", "Now tell me", 1.0, 1.6, interrupted=True)
    ]
    t.caller_text("Sorry, again?", 2.0)
    t.caller_closed(2.5, 2.2)
    assert texts(t.examiner_done(3.0)) == ["Sorry, again?"]


def test_a_second_turn_before_any_reply_records_the_first() -> None:
    t = TranscriptAssembler()
    t.caller_opened(1.0)
    t.caller_text("One.", 1.5)
    t.caller_closed(2.0, 1.6)
    assert texts(t.caller_opened(2.5)) == ["One."]


def test_words_that_come_after_the_next_turn_began_are_not_lost() -> None:
    t = TranscriptAssembler()
    t.caller_opened(1.0)
    t.caller_closed(2.0, 1.6)
    assert t.caller_opened(2.5) == []
    t.caller_text("One. Two.", 3.0)
    t.caller_closed(4.0, 3.5)
    assert spoken(t.examiner_done(5.0)) == [UtteranceSpoken(5.0, "caller", "One. Two.", 1.0, 3.5)]


def test_words_that_come_after_everything_stand_where_they_were_said() -> None:
    t = TranscriptAssembler()
    t.caller_opened(1.0)
    t.caller_closed(2.0, 1.6)
    t.examiner_spoke("Good.", 2.5)
    assert texts(t.examiner_done(3.0)) == ["Good."]
    t.caller_text("Late.", 3.5)
    assert spoken(t.end(9.0)) == [UtteranceSpoken(9.0, "caller", "Late.", 1.6, 1.6, partial=True)]


def test_a_reply_that_was_never_declared_over_ends_with_the_next_one() -> None:
    t = TranscriptAssembler()
    t.examiner_spoke("First.", 1.0)
    t.caller_opened(2.0)
    t.caller_text("Yes.", 2.5)
    t.caller_closed(3.0, 2.5)
    assert spoken(t.examiner_spoke("Second.", 4.0)) == [UtteranceSpoken(4.0, "examiner", "First.", 1.0, 1.0)]


def test_audio_without_words_is_no_utterance() -> None:
    t = TranscriptAssembler()
    assert t.examiner_text == ""
    t.examiner_spoke("", 1.0)
    assert t.examiner_done(2.0) == []
    assert t.caller_text(" ", 2.5) == [] and t.end(3.0) == []


def test_text_that_comes_again_after_a_reconnect_stands_once() -> None:
    t = TranscriptAssembler()
    t.caller_opened(1.0)
    t.caller_text("I live in", 2.0)
    t.caller_text_kept(safe=False)  # a flush: that window is over
    t.caller_text_kept()  # a handle knows it
    t.caller_text(" a small", 3.0)
    t.caller_heard_again()  # the link broke; the second window is sent again
    t.caller_text(" a small town.", 5.0)
    t.caller_closed(6.0, 5.5)
    assert texts(t.examiner_done(7.0)) == ["I live in a small town."]


def test_text_that_was_to_come_again_and_does_not_is_kept() -> None:
    t = TranscriptAssembler()
    t.caller_opened(1.0)
    t.caller_text("I live in", 2.0)
    t.caller_heard_again()
    t.caller_heard_again()
    t.caller_text_kept(safe=False)  # the end of the old reply, not of what is being heard again
    t.caller_text_kept()
    assert texts(t.end(9.0)) == ["I live in"]
    t.caller_heard_again()
    t.caller_text_kept(safe=False)
    t.caller_text_kept()


def test_a_reply_that_was_cut_off_ends_with_the_last_word_that_was_played() -> None:
    t = TranscriptAssembler()
    t.examiner_spoke("Now tell me about your town, please.", 1.0)
    t.examiner_cut(3.0)
    t.caller_opened(3.0)
    [cut] = spoken(t.examiner_done(3.1, interrupted=True, heard=0.5))
    assert cut == UtteranceSpoken(3.1, "examiner", "Now tell me about", 1.0, 3.0, interrupted=True)


def test_a_reply_of_which_nothing_was_played_was_not_said() -> None:
    t = TranscriptAssembler()
    t.examiner_spoke("Now tell me", 1.0)
    t.examiner_cut(1.0)
    assert t.examiner_done(1.1, interrupted=True, heard=0.0) == []


def test_a_reply_that_was_cut_off_and_never_declared_over_is_kept_whole() -> None:
    t = TranscriptAssembler()
    t.examiner_spoke("Now tell me", 1.0)
    t.caller_opened(1.5)
    t.examiner_cut(1.5)
    t.examiner_cut(1.6)
    t.caller_text("Wait.", 2.0)
    assert spoken(t.caller_closed(3.0, 2.2)) == [
        UtteranceSpoken(3.0, "examiner", "Now tell me", 1.0, 1.5, interrupted=True)
    ]
    t.examiner_spoke("Yes?", 4.0)
    t.examiner_cut(4.2)
    assert texts(t.examiner_spoke("Go on.", 5.0)) == ["Yes?"]


def test_what_the_person_says_twice_stands_twice() -> None:
    t = TranscriptAssembler()
    t.caller_opened(1.0)
    for at in (2.0, 3.0):
        t.caller_text(" I mean, I mean,", at)
    assert texts(t.end(4.0)) == ["I mean, I mean, I mean, I mean,"]


def test_an_utterance_tells_what_it_was_made_of() -> None:
    t = TranscriptAssembler()
    t.caller_voice(0.5, 0.9)  # of nobody's turn
    t.caller_opened(1.0)
    t.caller_text(" One", 2.0)
    t.caller_text("", 2.1)
    t.caller_voice(1.0, 1.8)
    t.caller_voice(1.8, 1.8)
    assert t.caller_so_far == ((Fragment(" One", 2.0),), (VoiceSpan(1.0, 1.8),))
    t.caller_closed(3.0, 1.8)
    [said] = t.examiner_done(4.0)
    assert said == FinishedUtterance(
        UtteranceSpoken(4.0, "caller", "One", 1.0, 1.8), (Fragment(" One", 2.0),), (VoiceSpan(1.0, 1.8),)
    )
    assert t.caller_so_far == ((), ())


def test_a_turn_that_is_over_has_its_text_some_seconds_later() -> None:
    t = TranscriptAssembler()
    assert t.caller_settles is None
    t.caller_opened(1.0)
    t.caller_voice(1.0, 1.8)
    assert t.caller_settles is None, "the caller may go on"
    t.caller_closed(3.0, 1.8)
    assert t.caller_settles == 8.0
    t.caller_text("Late.", 7.0)
    assert t.caller_settles == 12.0
    t.examiner_done(9.0)
    assert t.caller_settles is None


def test_voice_without_a_word_is_told_with_empty_text() -> None:
    t = TranscriptAssembler()
    t.caller_opened(1.0)
    t.caller_voice(1.0, 4.0)
    t.caller_closed(5.0, 4.0)
    assert t.caller_opened(6.0) == [], "its text may still come"
    t.caller_voice(6.0, 7.0)
    t.caller_closed(8.0, 7.0)
    [said] = t.examiner_done(9.0)
    assert (said.spoken.text, said.voice) == ("", (VoiceSpan(1.0, 4.0), VoiceSpan(6.0, 7.0)))


SPACED = [" Well,", " you", " know"]


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        # 2.5: a window's first piece begins with a space unless it goes on within a word.
        (["Well,", " I was walk"], "ing home.", "Well, I was walk ing home."),
        ([" Well,", " I was walk"], "ing home.", "Well, I was walking home."),
        ([" I was walking"], " home.", "I was walking home."),
        ([" I was walking."], " Home", "I was walking. Home"),
        ([" I was walking "], " home", "I was walking home"),
        ([" I was walking."], "Home", "I was walking. Home"),
        ([" I was walking"], ", home", "I was walking, home"),
        ([" It was 3."], "50 then", "It was 3.50 then"),
        ([" In 19"], "84", "In 1984"),
        # 3.1: whole windows without a space of their own.
        (["I live in"], "a small town.", "I live in a small town."),
        (["I live in a town."], "It is small.", "I live in a town. It is small."),
        (["I live in a town"], "It is small.", "I live in a town It is small."),
        (["in a town (the old one)"], "by the sea", "in a town (the old one) by the sea"),
    ],
)
def test_a_flush_leaves_no_seam(before: list[str], after: str, joined: str) -> None:
    t = TranscriptAssembler()
    t.caller_opened(1.0)
    for piece in before:
        t.caller_text(piece, 2.0)
    t.caller_text_kept(safe=False)
    t.caller_text_kept()
    t.caller_text(after, 3.0)
    assert texts(t.end(4.0)) == [joined]


def test_parts_of_words_within_a_window_stay_together() -> None:
    t = TranscriptAssembler()
    t.caller_opened(1.0)
    for piece in ("In Sack", "ville", ",", " New", " Bruns", "wick."):
        t.caller_text(piece, 2.0)
    assert texts(t.end(4.0)) == ["In Sackville, New Brunswick."]


def test_a_seam_is_where_the_window_ended_and_nowhere_else() -> None:
    seams = Spacing()
    assert seams.joined("", "one") == "one"
    seams.window()
    assert seams.joined("one", "two") == " two"
    assert seams.joined("two", "three") == "three"


steps = st.sampled_from(["open", "close", "heard", "spoke", "done", "cut"])


@given(st.lists(steps, max_size=80))
def test_every_word_is_recorded_exactly_once(order: list[str]) -> None:
    t, now = TranscriptAssembler(), 0.0
    said = {"caller": list[str](), "examiner": list[str]()}
    out: list[UtteranceSpoken] = []
    for n, step in enumerate(order):
        now += 1.0
        word = f" w{n}"
        match step:
            case "open":
                out += spoken(t.caller_opened(now))
            case "close":
                out += spoken(t.caller_closed(now, now))
            case "heard":
                said["caller"].append(word.strip())
                out += spoken(t.caller_text(word, now))
            case "spoke":
                said["examiner"].append(word.strip())
                out += spoken(t.examiner_spoke(word, now))
            case _:
                out += spoken(t.examiner_done(now, interrupted=step == "cut"))
    out += spoken(t.end(now + 1))
    for speaker, words in said.items():
        assert [w for u in out if u.speaker == speaker for w in u.text.split()] == words
    assert all(u.started <= u.ended <= u.at for u in out)
