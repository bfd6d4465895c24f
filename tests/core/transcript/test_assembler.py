"""Fragments become utterances, late ones in their place, none lost and none twice."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import UtteranceSpoken
from core.transcript.assembler import TranscriptAssembler
from core.transcript.spacing import Spacing
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan


def utterances(finished: Sequence[FinishedUtterance]) -> list[UtteranceSpoken]:
    """The utterances alone."""
    return [one.utterance for one in finished]


def texts(finished: Sequence[FinishedUtterance]) -> list[str]:
    return [one.utterance.text for one in finished]


def test_a_question_and_its_answer() -> None:
    t = TranscriptAssembler()
    t.examiner_transcribed("What is", 1.0)
    t.examiner_transcribed(" your name?", 1.2)
    assert t.unfinished == [("examiner", "What is your name?", 1.0, 1.2)]
    assert utterances(t.reply_done(2.0)) == [UtteranceSpoken(2.0, "examiner", "What is your name?", 1.0, 2.0)]
    assert t.caller_started(3.0) == []
    t.caller_transcribed("My name", 3.5)
    t.caller_stopped(4.8, spoke_until=4.0)
    t.examiner_transcribed("Thank", 5.0)
    t.caller_transcribed(" is Bruce.", 5.1)  # late, after the reply began
    t.examiner_transcribed(" you.", 5.2)
    assert utterances(t.reply_done(6.0)) == [
        UtteranceSpoken(6.0, "caller", "My name is Bruce.", 3.0, 4.0),
        UtteranceSpoken(6.0, "examiner", "Thank you.", 5.0, 6.0),
    ]
    assert t.finish(7.0) == []


def test_the_finish_hands_over_what_is_pending_and_marks_it() -> None:
    t = TranscriptAssembler()
    t.examiner_transcribed("Describe", 0.5)
    t.caller_started(1.0)
    t.caller_transcribed("I live in", 2.0)
    assert utterances(t.finish(3.0)) == [
        UtteranceSpoken(3.0, "examiner", "Describe", 0.5, 0.5, partial=True),
        UtteranceSpoken(3.0, "caller", "I live in", 1.0, 2.0, partial=True),
    ]


def test_an_interrupted_reply_is_marked_and_the_open_turn_goes_on() -> None:
    t = TranscriptAssembler()
    t.examiner_transcribed("Now tell me", 1.0)
    t.caller_started(1.5)
    assert utterances(t.reply_done(1.6, interrupted=True)) == [
        UtteranceSpoken(1.6, "examiner", "Now tell me", 1.0, 1.6, interrupted=True)
    ]
    t.caller_transcribed("Sorry, again?", 2.0)
    t.caller_stopped(2.5, 2.2)
    assert texts(t.reply_done(3.0)) == ["Sorry, again?"]


def test_a_second_turn_before_any_reply_records_the_first() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_transcribed("One.", 1.5)
    t.caller_stopped(2.0, 1.6)
    assert texts(t.caller_started(2.5)) == ["One."]


def test_words_that_come_after_the_next_turn_began_are_not_lost() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_stopped(2.0, 1.6)
    assert t.caller_started(2.5) == []
    t.caller_transcribed("One. Two.", 3.0)
    t.caller_stopped(4.0, 3.5)
    assert utterances(t.reply_done(5.0)) == [UtteranceSpoken(5.0, "caller", "One. Two.", 1.0, 3.5)]


def test_words_that_come_after_everything_stand_where_they_were_said() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_stopped(2.0, 1.6)
    t.examiner_transcribed("Good.", 2.5)
    assert texts(t.reply_done(3.0)) == ["Good."]
    t.caller_transcribed("Late.", 3.5)
    assert utterances(t.finish(9.0)) == [UtteranceSpoken(9.0, "caller", "Late.", 1.6, 1.6, partial=True)]


def test_a_reply_that_was_never_declared_over_ends_with_the_next_one() -> None:
    t = TranscriptAssembler()
    t.examiner_transcribed("First.", 1.0)
    t.caller_started(2.0)
    t.caller_transcribed("Yes.", 2.5)
    t.caller_stopped(3.0, 2.5)
    assert utterances(t.examiner_transcribed("Second.", 4.0)) == [UtteranceSpoken(4.0, "examiner", "First.", 1.0, 1.0)]


def test_audio_without_words_is_no_utterance() -> None:
    t = TranscriptAssembler()
    assert t.unfinished == []
    t.examiner_transcribed("", 1.0)
    assert t.reply_done(2.0) == []
    assert t.caller_transcribed(" ", 2.5) == [] and t.finish(3.0) == []


def test_text_of_a_turn_that_is_replayed_whole_stands_once() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_transcribed("My name", 2.0)
    t.window_closed(acknowledged=False)
    t.window_closed()
    t.caller_transcribed(" is Bruce", 3.0)
    t.audio_replayed(whole=True)
    assert t.unfinished[0][1] == "My name is Bruce", "until there is another"
    t.caller_transcribed("My name is", 4.0)
    t.caller_transcribed(" Bruce.", 4.1)
    t.caller_stopped(5.0, 4.0)
    [finished] = t.reply_done(6.0)
    assert finished.utterance.text == "My name is Bruce."


def test_text_of_replayed_audio_stands_once() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_transcribed("I live in", 2.0)
    t.window_closed(acknowledged=False)  # a flush: that window is closed
    t.window_closed()  # a handle acknowledges it
    t.caller_transcribed(" a small", 3.0)
    t.audio_replayed()  # the connection is lost; the second window is replayed
    t.caller_transcribed(" a small town.", 5.0)
    t.caller_stopped(6.0, 5.5)
    assert texts(t.reply_done(7.0)) == ["I live in a small town."]


def test_a_window_that_was_closed_before_a_replay_is_not_acknowledged_by_a_handle_after_it() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_transcribed("I live in", 2.0)
    t.window_closed(acknowledged=False)
    t.audio_replayed()  # as one window, which goes on
    t.caller_transcribed("I live", 3.0)
    t.window_closed()
    t.audio_replayed()
    t.caller_transcribed("I live in a town.", 4.0)
    t.caller_stopped(5.0, 4.0)
    assert texts(t.reply_done(6.0)) == ["I live in a town."]


def test_text_whose_replay_is_not_transcribed_stays() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_transcribed("I live in", 2.0)
    t.audio_replayed()
    t.audio_replayed()
    t.window_closed(acknowledged=False)  # the end of the old reply, not of the replay
    t.window_closed()
    assert texts(t.finish(9.0)) == ["I live in"]
    t.audio_replayed()
    t.window_closed(acknowledged=False)
    t.window_closed()


def test_a_reply_that_was_interrupted_ends_with_the_last_word_that_was_played() -> None:
    t = TranscriptAssembler()
    t.examiner_transcribed("Now tell me about your town, please.", 1.0)
    t.examiner_interrupted(3.0)
    t.caller_started(3.0)
    [interrupted] = utterances(t.reply_done(3.1, interrupted=True, played_share=0.5))
    assert interrupted == UtteranceSpoken(3.1, "examiner", "Now tell me about", 1.0, 3.0, interrupted=True)


def test_a_reply_of_which_nothing_was_played_was_not_said() -> None:
    t = TranscriptAssembler()
    t.examiner_transcribed("Now tell me", 1.0)
    t.examiner_interrupted(1.0)
    assert t.reply_done(1.1, interrupted=True, played_share=0.0) == []


def test_a_reply_that_was_interrupted_and_never_declared_over_stands_whole() -> None:
    t = TranscriptAssembler()
    t.examiner_transcribed("Now tell me", 1.0)
    t.caller_started(1.5)
    t.examiner_interrupted(1.5)
    t.examiner_interrupted(1.6)
    t.caller_transcribed("Wait.", 2.0)
    assert utterances(t.caller_stopped(3.0, 2.2)) == [
        UtteranceSpoken(3.0, "examiner", "Now tell me", 1.0, 1.5, interrupted=True)
    ]
    t.examiner_transcribed("Yes?", 4.0)
    t.examiner_interrupted(4.2)
    assert texts(t.examiner_transcribed("Go on.", 5.0)) == ["Yes?"]


def test_what_the_person_says_twice_stands_twice() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    for at in (2.0, 3.0):
        t.caller_transcribed(" I mean, I mean,", at)
    assert texts(t.finish(4.0)) == ["I mean, I mean, I mean, I mean,"]


FIFTEEN = "I live in a small town by the sea and I like it very much"


def replayed_turn(text: str) -> TranscriptAssembler:
    """A turn whose text was received before its audio was replayed to another connection."""
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_transcribed(text, 5.0)
    t.voice_detected(1.0, 6.0)
    t.caller_stopped(7.0, 6.0)
    t.audio_replayed()
    return t


def test_a_second_transcription_that_is_cut_off_does_not_replace_the_first() -> None:
    t = replayed_turn(FIFTEEN)
    t.caller_transcribed("I live", 8.0)
    assert t.unfinished[0][1] == FIFTEEN
    [finished] = t.reply_done(10.0)
    assert (finished.utterance.text, finished.utterance.ended, finished.alternative) == (FIFTEEN, 6.0, "")


def test_a_replayed_turn_that_lacks_words_waits_for_its_second_transcription() -> None:
    t = replayed_turn("I live")
    t.examiner_transcribed("I see.", 8.0)
    assert texts(t.reply_done(9.0)) == ["I see."], "the caller's waits"
    assert t.deadline() == 14.0 and t.tick(13.9) == []
    t.caller_transcribed(FIFTEEN, 10.0)
    assert t.deadline() == 15.0
    [finished] = t.tick(15.0)
    assert (finished.utterance.text, finished.alternative) == (FIFTEEN, "I live")
    assert t.deadline() is None and t.finish(20.0) == []


def test_an_answered_turn_that_waits_when_the_call_ends_is_whole() -> None:
    t = replayed_turn("I live")
    t.reply_done(9.0)
    assert [(one.text, one.partial) for one in utterances(t.finish(10.0))] == [("I live", False)]


@pytest.mark.parametrize("more", ["", " There is more."])
def test_a_second_transcription_that_comes_after_the_reply_does_not_stand_twice(more: str) -> None:
    t = replayed_turn(FIFTEEN)
    assert texts(t.reply_done(9.0)) == [FIFTEEN], "it has all of its words"
    t.caller_transcribed(FIFTEEN + more, 10.0)
    [finished] = t.finish(20.0)
    assert (finished.utterance.text, finished.alternative) == (more.strip(), FIFTEEN + more)


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_second_transcription_that_comes_after_the_next_turn_began_does_not_stand_twice(goes_on: bool) -> None:
    t = replayed_turn(FIFTEEN)
    assert texts(t.reply_done(9.0)) == [FIFTEEN] and t.caller_started(10.0) == []
    t.caller_transcribed(FIFTEEN + ".", 11.0)
    if goes_on:
        t.caller_transcribed(" There is more.", 12.0)
    t.caller_stopped(13.0, 12.5)
    [finished] = t.reply_done(14.0)
    assert finished.utterance.text == ("There is more." if goes_on else "")
    assert finished.alternative.startswith(FIFTEEN)


def test_turns_that_are_replayed_together_stand_once_each() -> None:
    t = TranscriptAssembler()
    for at, said in ((1.0, "I live in a small town."), (4.0, "It is by the sea.")):
        t.caller_started(at)
        t.voice_detected(at, at + 1)
        t.caller_transcribed(said, at + 1.5)
        t.caller_stopped(at + 2, at + 1)
    t.caller_started(7.0)
    t.audio_replayed()
    t.caller_transcribed("I live in a small town. It is by the sea. And I like it.", 9.0)
    t.caller_stopped(10.0, 9.5)
    [finished] = t.reply_done(11.0)
    assert finished.utterance.text == "And I like it."


def test_a_new_answer_that_resembles_an_old_one_stands_whole() -> None:
    t = replayed_turn("I think it is a good idea for a town.")
    t.caller_transcribed("I think it is a good idea for a town.", 8.0)
    assert texts(t.reply_done(9.0)) == ["I think it is a good idea for a town."]
    t.caller_started(10.0)
    t.caller_transcribed("I think it is a good idea for a village, too.", 11.0)
    t.caller_stopped(13.0, 12.5)
    assert texts(t.reply_done(14.0)) == ["I think it is a good idea for a village, too."]


def test_the_second_transcription_is_apart_from_what_was_not_replayed() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_transcribed("I live in a town", 3.0)
    t.window_closed(acknowledged=False)
    t.window_closed()
    t.caller_transcribed("by the", 4.0)
    t.audio_replayed()
    t.caller_transcribed("by the sea", 6.0)
    assert texts(t.finish(9.0)) == ["I live in a town by the sea"]


def test_a_turn_that_is_replayed_twice_loses_nothing() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_transcribed(FIFTEEN, 5.0)
    t.audio_replayed()
    t.caller_transcribed("I live in", 8.0)
    t.audio_replayed()
    t.caller_transcribed("I live", 9.0)
    t.caller_transcribed(" and then we moved.", 12.0)
    t.caller_stopped(13.0, 12.5)
    assert texts(t.finish(14.0)) == [f"{FIFTEEN} and then we moved."]


def test_a_part_of_a_replayed_turn_that_is_acknowledged_is_not_replaced_by_the_next_replay() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.caller_transcribed("I live in a town", 5.0)
    t.audio_replayed()
    t.caller_transcribed("I live in a town.", 8.0)
    t.window_closed(acknowledged=False)
    t.window_closed()
    t.caller_transcribed("It is small", 9.0)
    t.audio_replayed()
    t.caller_transcribed("It is small.", 12.0)
    t.caller_stopped(13.0, 12.5)
    assert texts(t.finish(14.0)) == ["I live in a town. It is small."]


def test_text_of_a_window_that_is_sent_twice_stands_once() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.voice_detected(1.0, 4.5)
    for at in (5.0, 6.0):
        t.caller_transcribed("I live in a small town by the sea with friends.", at)
    t.caller_stopped(7.0, 4.5)
    assert texts(t.finish(8.0)) == ["I live in a small town by the sea with friends."]


@pytest.mark.parametrize(
    ("again", "stands"),
    [("Yes. I live here.", False), ("yes, i live here", False), ("I live here", False), ("Yes.", True), ("Not", True)],
)
def test_text_that_is_sent_once_more_after_its_turn_was_recorded_stands_once(again: str, stands: bool) -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.voice_detected(1.0, 2.0)
    t.caller_transcribed("Yes. I live here.", 2.5)
    t.caller_stopped(3.0, 2.0)
    assert texts(t.reply_done(5.0)) == ["Yes. I live here."]
    t.caller_transcribed(again, 55.0)
    [finished] = t.finish(60.0)
    assert (finished.utterance.text, finished.alternative) == ((again, "") if stands else ("", again))


def test_markers_are_no_words_of_either_speaker_and_are_named() -> None:
    t = TranscriptAssembler()
    t.examiner_transcribed("Your fluency is 6<ct", 1.0)
    t.examiner_transcribed("rl46>", 1.1)
    t.examiner_transcribed(".5.", 1.2)
    [finished] = t.reply_done(2.0)
    assert (finished.utterance.text, finished.markers) == ("Your fluency is 6.5.", ("<ctrl46>",))
    t.caller_started(3.0)
    t.voice_detected(3.0, 4.0)
    for n in range(25):
        t.caller_transcribed(" <noise>", 3.5 + n / 100)
    t.caller_transcribed(".", 4.0)
    assert t.caller_pending[0] == () and t.unfinished == []
    t.caller_stopped(5.0, 4.0)
    [finished] = t.finish(6.0)
    assert (finished.utterance.text, finished.fragments, finished.markers) == ("", (), ("<noise>",) * 25)


def test_behind_a_marker_a_sentence_begins_as_if_it_were_not_there() -> None:
    t = TranscriptAssembler()
    t.caller_started(3.0)
    for text in ("<noise>", "I am here.", "<noise>", "Are you?"):
        t.caller_transcribed(text, 3.5)
    assert texts(t.finish(6.0)) == ["I am here. Are you?"]


def test_what_follows_a_finished_transcription_is_apart_from_it() -> None:
    t = TranscriptAssembler()
    t.examiner_transcribed("Let us stop", 1.0, finished=True)
    t.examiner_transcribed("here are your marks:", 1.1)
    t.examiner_transcribed("", 1.2, finished=True)
    t.examiner_transcribed("7", 1.3)
    assert texts(t.reply_done(2.0)) == ["Let us stop here are your marks: 7"]
    t.caller_started(3.0)
    t.caller_transcribed("I live here", 3.5)
    t.caller_transcribed("", 3.6, finished=True)
    t.caller_transcribed("and there", 3.7)
    assert texts(t.finish(6.0)) == ["I live here and there"]


def test_an_utterance_has_its_fragments_and_voice() -> None:
    t = TranscriptAssembler()
    t.voice_detected(0.5, 0.9)  # of nobody's turn
    t.caller_started(1.0)
    t.caller_transcribed(" One", 2.0)
    t.caller_transcribed("", 2.1)
    t.voice_detected(1.0, 1.8)
    t.voice_detected(1.8, 1.8)
    assert t.caller_pending == ((Fragment(" One", 2.0),), (VoiceSpan(1.0, 1.8),))
    t.caller_stopped(3.0, 1.8)
    [finished] = t.reply_done(4.0)
    assert finished == FinishedUtterance(
        UtteranceSpoken(4.0, "caller", "One", 1.0, 1.8), (Fragment(" One", 2.0),), (VoiceSpan(1.0, 1.8),)
    )
    assert t.caller_pending == ((), ())


def test_a_turn_that_is_over_has_its_text_some_seconds_later() -> None:
    t = TranscriptAssembler()
    assert t.caller_text_deadline is None
    t.caller_started(1.0)
    t.voice_detected(1.0, 1.8)
    assert t.caller_text_deadline is None, "the caller may go on"
    t.caller_stopped(3.0, 1.8)
    assert t.caller_text_deadline == 8.0
    t.caller_transcribed("Late.", 7.0)
    assert t.caller_text_deadline == 12.0
    t.reply_done(9.0)
    assert t.caller_text_deadline is None


def test_voice_without_a_word_is_an_utterance_with_empty_text() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    t.voice_detected(1.0, 4.0)
    t.caller_stopped(5.0, 4.0)
    assert t.caller_started(6.0) == [], "its text may still come"
    t.voice_detected(6.0, 7.0)
    t.caller_stopped(8.0, 7.0)
    [finished] = t.reply_done(9.0)
    assert (finished.utterance.text, finished.voice) == ("", (VoiceSpan(1.0, 4.0), VoiceSpan(6.0, 7.0)))


SPACED = [" Well,", " you", " know"]


@pytest.mark.parametrize(
    ("before", "after", "joined"),
    [
        # 2.5: a window's first fragment begins with a space unless it goes on within a word.
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
def test_a_flush_leaves_the_spacing_as_it_is(before: list[str], after: str, joined: str) -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    for fragment in before:
        t.caller_transcribed(fragment, 2.0)
    t.window_closed(acknowledged=False)
    t.window_closed()
    t.caller_transcribed(after, 3.0)
    assert texts(t.finish(4.0)) == [joined]


def test_parts_of_words_within_a_window_stay_together() -> None:
    t = TranscriptAssembler()
    t.caller_started(1.0)
    for fragment in ("In Sack", "ville", ",", " New", " Bruns", "wick."):
        t.caller_transcribed(fragment, 2.0)
    assert texts(t.finish(4.0)) == ["In Sackville, New Brunswick."]


def test_a_space_is_added_where_the_window_ended_and_nowhere_else() -> None:
    spacing = Spacing()
    assert spacing.spaced("", "one") == "one"
    spacing.window_closed()
    assert spacing.spaced("one", "two") == " two"
    assert spacing.spaced("two", "three") == "three"


steps = st.sampled_from(["start", "stop", "caller text", "examiner text", "done", "interrupted"])


@given(st.lists(steps, max_size=80))
def test_every_word_is_recorded_exactly_once(order: list[str]) -> None:
    t, now = TranscriptAssembler(), 0.0
    said = {"caller": list[str](), "examiner": list[str]()}
    out: list[UtteranceSpoken] = []
    for n, step in enumerate(order):
        now += 1.0
        word = f" w{n}"
        match step:
            case "start":
                out += utterances(t.caller_started(now))
            case "stop":
                out += utterances(t.caller_stopped(now, now))
            case "caller text":
                said["caller"].append(word.strip())
                out += utterances(t.caller_transcribed(word, now))
            case "examiner text":
                said["examiner"].append(word.strip())
                out += utterances(t.examiner_transcribed(word, now))
            case _:
                out += utterances(t.reply_done(now, interrupted=step == "interrupted"))
    out += utterances(t.finish(now + 1))
    for speaker, words in said.items():
        assert [w for u in out if u.speaker == speaker for w in u.text.split()] == words
    assert all(u.started <= u.ended <= u.at for u in out)
