"""Parts of an utterance have their times in order and within it, and lose no word of it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.events import Timed, UtteranceSpoken, as_record, from_record
from core.transcript.repair import Record, RepairPolicy, TranscriptRepair
from core.transcript.timing import joined, of_arrivals, within
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan

VOICE = (VoiceSpan(1.0, 4.0), VoiceSpan(6.0, 10.0))


def parts(text: str, times: tuple[Timed, ...]) -> list[str]:
    edges = [one.offset for one in times] + [len(text)]
    return [text[first:last].strip() for first, last in pairwise(edges)]


def test_text_that_came_as_it_was_said_has_the_voice_before_it() -> None:
    pieces = [Fragment("I live", 2.0), Fragment(" in a", 3.5), Fragment(" small", 8.0), Fragment(" town.", 8.4)]
    assert of_arrivals(pieces, VOICE) == (Timed(0, 1.0, 2.0), Timed(7, 2.0, 3.5), Timed(12, 3.5, 8.4))


def test_text_that_came_in_a_pause_was_said_before_it() -> None:
    pieces = [Fragment("I live", 2.0), Fragment(" here", 4.5), Fragment(" and", 5.9), Fragment(" there", 7.0)]
    text = "I live here and there"
    assert parts(text, of_arrivals(pieces, VOICE)) == ["I live", "here and", "there"]
    assert of_arrivals(pieces, VOICE)[1:] == (Timed(7, 2.0, 4.0), Timed(16, 6.0, 7.0))


def test_a_word_in_two_pieces_is_one_word() -> None:
    pieces = [Fragment("I was walk", 2.0), Fragment("ing", 3.5), Fragment(" home", 3.6)]
    assert parts("I was walking home", of_arrivals(pieces, VOICE)) == ["I was walking", "home"]


def test_what_came_in_one_lump_says_nothing_of_its_parts() -> None:
    [whole] = of_arrivals([Fragment("I live in a small town.", 12.0)], VOICE)
    assert whole == Timed(0, 1.0, 10.0)
    assert within([whole], 1.0, 10.0) == ()


def test_pieces_of_the_second_ears_stand_where_their_audio_was() -> None:
    text, times = joined([("One two.", 0.5, 9.0), ("", 9.0, 12.0), ("Three.", 12.0, 20.0)])
    assert text == "One two. Three."
    assert times == (Timed(0, 0.5, 9.0), Timed(9, 12.0, 20.0))
    assert within(times, 1.0, 19.5) == (Timed(0, 1.0, 9.0), Timed(9, 12.0, 19.5))


def test_a_part_outside_the_utterance_is_one_with_its_neighbour() -> None:
    times = [Timed(0, 0.0, 1.0), Timed(4, 1.0, 3.0), Timed(9, 3.0, 6.0), Timed(12, 8.0, 9.0)]
    assert within(times, 2.0, 7.0) == (Timed(0, 2.0, 3.0), Timed(9, 3.0, 6.0))


def test_they_are_recorded_with_the_utterance_and_read_back() -> None:
    pieces = (Fragment("I live", 2.0), Fragment(" in a", 3.5), Fragment(" small town.", 8.0))
    spoken = UtteranceSpoken(12.0, "caller", "I live in a small town.", 1.0, 10.0)
    [action] = TranscriptRepair(RepairPolicy()).said(FinishedUtterance(spoken, pieces, VOICE), 12.0)
    assert isinstance(action, Record)
    assert [one.offset for one in action.spoken.times] == [0, 7, 12]
    kind, data = as_record(action.spoken)
    assert from_record(kind, data) == action.spoken
    assert data["times"][0] == {"offset": 0, "started": 1.0, "ended": 2.0}


def test_the_second_ears_text_has_the_times_of_its_pieces() -> None:
    mending = TranscriptRepair(RepairPolicy(prefer="shadow"))
    mending.ears(always=True)
    heard = [("I live in", 0.5, 5.0), ("a small town.", 5.0, 10.2)]
    mending.second("I live in a small town.", 1.0, 10.0, False, 11.0, heard)
    spoken = UtteranceSpoken(12.0, "caller", "I live", 1.0, 10.0)
    actions = mending.said(FinishedUtterance(spoken, (Fragment("I live", 2.0),), VOICE), 12.0)
    [recorded] = [action.spoken for action in actions if isinstance(action, Record)]
    assert recorded.text == "I live in a small town."
    assert recorded.times == (Timed(0, 1.0, 5.0), Timed(10, 5.0, 10.0))


times = st.floats(0, 60).map(lambda second: round(second, 2))
voices = st.lists(times, max_size=8, unique=True).map(
    lambda edges: [VoiceSpan(*pair) for pair in zip(*[iter(sorted(edges))] * 2, strict=False)]
)
texts = st.lists(st.tuples(st.text("ab ", max_size=6), times), max_size=12).map(
    lambda found: [Fragment(text, at) for (text, _), at in zip(found, sorted(at for _, at in found), strict=True)]
)


@given(texts, voices, times, times)
def test_parts_are_in_order_within_the_utterance_and_lose_no_word(
    pieces: list[Fragment], voice: list[VoiceSpan], one: float, other: float
) -> None:
    text = " ".join("".join(piece.text for piece in pieces).split())
    started, ended = sorted((one, other))
    found = within(of_arrivals(pieces, voice), started, ended)
    assert len(found) != 1
    if not found:
        return
    assert " ".join(parts(text, found)) == text
    assert all(parts(text, found))
    assert started <= found[0].started and found[-1].ended <= ended
    assert all(part.started < part.ended for part in found)
    assert all(before.ended <= after.started for before, after in pairwise(found))
    last = max(piece.at for piece in pieces)
    assert found[-1].ended <= last, "said before it came"


@given(st.lists(st.tuples(st.text("ab", max_size=4), times, times), max_size=8))
def test_joined_texts_are_cut_where_they_were_joined(heard: list[tuple[str, float, float]]) -> None:
    text, found = joined(heard)
    assert text == " ".join(words for words, _, _ in heard if words)
    assert parts(text, found) == [words for words, _, _ in heard if words]
