"""Pieces become utterances, late ones in their place, none lost and none twice."""

from hypothesis import given
from hypothesis import strategies as st

from core.events import UtteranceSpoken
from core.transcript import TranscriptMachine


def test_a_question_and_its_answer() -> None:
    t = TranscriptMachine()
    t.examiner_spoke("What is", 1.0)
    t.examiner_spoke(" your name?", 1.2)
    assert t.examiner_text == "What is your name?"
    assert t.examiner_done(2.0) == [UtteranceSpoken(2.0, "examiner", "What is your name?", 1.0, 2.0)]
    assert t.caller_opened(3.0) == []
    t.caller_text("My name", 3.5)
    t.caller_closed(4.8, spoke_until=4.0)
    t.examiner_spoke("Thank", 5.0)
    t.caller_text(" is Bruce.", 5.1)  # late, after the reply began
    t.examiner_spoke(" you.", 5.2)
    assert t.examiner_done(6.0) == [
        UtteranceSpoken(6.0, "caller", "My name is Bruce.", 3.0, 4.0),
        UtteranceSpoken(6.0, "examiner", "Thank you.", 5.0, 6.0),
    ]
    assert t.end(7.0) == []


def test_the_end_keeps_what_is_pending_and_marks_it() -> None:
    t = TranscriptMachine()
    t.examiner_spoke("Describe", 0.5)
    t.caller_opened(1.0)
    t.caller_text("I live in", 2.0)
    assert t.end(3.0) == [
        UtteranceSpoken(3.0, "examiner", "Describe", 0.5, 0.5, partial=True),
        UtteranceSpoken(3.0, "caller", "I live in", 1.0, 2.0, partial=True),
    ]


def test_an_interrupted_reply_is_marked_and_the_open_turn_goes_on() -> None:
    t = TranscriptMachine()
    t.examiner_spoke("Now tell me", 1.0)
    t.caller_opened(1.5)
    assert t.examiner_done(1.6, interrupted=True) == [
        UtteranceSpoken(1.6, "examiner", "Now tell me", 1.0, 1.6, interrupted=True)
    ]
    t.caller_text("Sorry, again?", 2.0)
    t.caller_closed(2.5, 2.2)
    assert [u.text for u in t.examiner_done(3.0)] == ["Sorry, again?"]


def test_a_second_turn_before_any_reply_records_the_first() -> None:
    t = TranscriptMachine()
    t.caller_opened(1.0)
    t.caller_text("One.", 1.5)
    t.caller_closed(2.0, 1.6)
    assert [u.text for u in t.caller_opened(2.5)] == ["One."]


def test_words_that_come_after_the_next_turn_began_are_not_lost() -> None:
    t = TranscriptMachine()
    t.caller_opened(1.0)
    t.caller_closed(2.0, 1.6)
    assert t.caller_opened(2.5) == []
    t.caller_text("One. Two.", 3.0)
    t.caller_closed(4.0, 3.5)
    assert t.examiner_done(5.0) == [UtteranceSpoken(5.0, "caller", "One. Two.", 1.0, 3.5)]


def test_words_that_come_after_everything_stand_where_they_were_said() -> None:
    t = TranscriptMachine()
    t.caller_opened(1.0)
    t.caller_closed(2.0, 1.6)
    t.examiner_spoke("Good.", 2.5)
    assert [u.text for u in t.examiner_done(3.0)] == ["Good."]
    t.caller_text("Late.", 3.5)
    assert t.end(9.0) == [UtteranceSpoken(9.0, "caller", "Late.", 1.6, 1.6, partial=True)]


def test_a_reply_that_was_never_declared_over_ends_with_the_next_one() -> None:
    t = TranscriptMachine()
    t.examiner_spoke("First.", 1.0)
    t.caller_opened(2.0)
    t.caller_text("Yes.", 2.5)
    t.caller_closed(3.0, 2.5)
    assert t.examiner_spoke("Second.", 4.0) == [UtteranceSpoken(4.0, "examiner", "First.", 1.0, 1.0)]


def test_audio_without_words_is_no_utterance() -> None:
    t = TranscriptMachine()
    assert t.examiner_text == ""
    t.examiner_spoke("", 1.0)
    assert t.examiner_done(2.0) == []
    assert t.caller_text(" ", 2.5) == [] and t.end(3.0) == []


def test_text_that_comes_again_after_a_reconnect_stands_once() -> None:
    t = TranscriptMachine()
    t.caller_opened(1.0)
    t.caller_text("I live in", 2.0)
    t.caller_text_kept()  # a flush: that window is done
    t.caller_text(" a small", 3.0)
    t.caller_heard_again()  # the link broke; the second window is sent again
    t.caller_text(" a small town.", 5.0)
    t.caller_closed(6.0, 5.5)
    assert [u.text for u in t.examiner_done(7.0)] == ["I live in a small town."]


def test_text_that_was_to_come_again_and_does_not_is_kept() -> None:
    t = TranscriptMachine()
    t.caller_opened(1.0)
    t.caller_text("I live in", 2.0)
    t.caller_heard_again()
    t.caller_heard_again()
    t.caller_text_kept()  # the end of the old reply, not of what is being heard again
    assert [u.text for u in t.end(9.0)] == ["I live in"]
    t.caller_heard_again()
    t.caller_text_kept()


steps = st.sampled_from(["open", "close", "heard", "spoke", "done", "cut"])


@given(st.lists(steps, max_size=80))
def test_every_word_is_recorded_exactly_once(order: list[str]) -> None:
    t, now = TranscriptMachine(), 0.0
    said = {"caller": list[str](), "examiner": list[str]()}
    out: list[UtteranceSpoken] = []
    for n, step in enumerate(order):
        now += 1.0
        word = f" w{n}"
        match step:
            case "open":
                out += t.caller_opened(now)
            case "close":
                out += t.caller_closed(now, now)
            case "heard":
                said["caller"].append(word.strip())
                out += t.caller_text(word, now)
            case "spoke":
                said["examiner"].append(word.strip())
                out += t.examiner_spoke(word, now)
            case _:
                out += t.examiner_done(now, interrupted=step == "cut")
    out += t.end(now + 1)
    for speaker, words in said.items():
        assert [w for u in out if u.speaker == speaker for w in u.text.split()] == words
    assert all(u.started <= u.ended <= u.at for u in out)
