"""Segments of an utterance have their timing in order and within it, and lose no word of it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.events import SegmentTiming, UtteranceSpoken, as_record, from_record
from core.transcript.repair import RecordUtterance, RepairPolicy, TranscriptRepair
from core.transcript.timing import arrival_timing, clip_timing, join_segments
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan

VOICE = (VoiceSpan(1.0, 4.0), VoiceSpan(6.0, 10.0))


def segments_of(text: str, times: tuple[SegmentTiming, ...]) -> list[str]:
    edges = [one.offset for one in times] + [len(text)]
    return [text[first:last].strip() for first, last in pairwise(edges)]


def test_text_that_arrived_as_it_was_said_has_the_voice_before_it() -> None:
    fragments = [Fragment("I live", 2.0), Fragment(" in a", 3.5), Fragment(" small", 8.0), Fragment(" town.", 8.4)]
    assert arrival_timing(fragments, VOICE) == (
        SegmentTiming(0, 1.0, 2.0),
        SegmentTiming(7, 2.0, 3.5),
        SegmentTiming(12, 3.5, 8.4),
    )


def test_text_that_arrived_in_a_pause_was_said_before_it() -> None:
    fragments = [Fragment("I live", 2.0), Fragment(" here", 4.5), Fragment(" and", 5.9), Fragment(" there", 7.0)]
    text = "I live here and there"
    assert segments_of(text, arrival_timing(fragments, VOICE)) == ["I live", "here and", "there"]
    assert arrival_timing(fragments, VOICE)[1:] == (SegmentTiming(7, 2.0, 4.0), SegmentTiming(16, 6.0, 7.0))


def test_a_word_in_two_fragments_is_one_word() -> None:
    fragments = [Fragment("I was walk", 2.0), Fragment("ing", 3.5), Fragment(" home", 3.6)]
    assert segments_of("I was walking home", arrival_timing(fragments, VOICE)) == ["I was walking", "home"]


def test_text_that_arrived_in_one_burst_has_no_segments() -> None:
    [whole] = arrival_timing([Fragment("I live in a small town.", 12.0)], VOICE)
    assert whole == SegmentTiming(0, 1.0, 10.0)
    assert clip_timing([whole], 1.0, 10.0) == ()


def test_segments_of_the_second_transcriber_have_the_time_of_their_audio() -> None:
    text, times = join_segments([("One two.", 0.5, 9.0), ("", 9.0, 12.0), ("Three.", 12.0, 20.0)])
    assert text == "One two. Three."
    assert times == (SegmentTiming(0, 0.5, 9.0), SegmentTiming(9, 12.0, 20.0))
    assert clip_timing(times, 1.0, 19.5) == (SegmentTiming(0, 1.0, 9.0), SegmentTiming(9, 12.0, 19.5))


def test_a_segment_outside_the_utterance_is_one_with_its_neighbour() -> None:
    times = [
        SegmentTiming(0, 0.0, 1.0),
        SegmentTiming(4, 1.0, 3.0),
        SegmentTiming(9, 3.0, 6.0),
        SegmentTiming(12, 8.0, 9.0),
    ]
    assert clip_timing(times, 2.0, 7.0) == (SegmentTiming(0, 2.0, 3.0), SegmentTiming(9, 3.0, 6.0))


def test_they_are_recorded_with_the_utterance_and_read_back() -> None:
    fragments = (Fragment("I live", 2.0), Fragment(" in a", 3.5), Fragment(" small town.", 8.0))
    utterance = UtteranceSpoken(12.0, "caller", "I live in a small town.", 1.0, 10.0)
    [action] = TranscriptRepair(RepairPolicy()).utterance_finished(FinishedUtterance(utterance, fragments, VOICE), 12.0)
    assert isinstance(action, RecordUtterance)
    assert [one.offset for one in action.utterance.times] == [0, 7, 12]
    kind, data = as_record(action.utterance)
    assert from_record(kind, data) == action.utterance
    assert data["times"][0] == {"offset": 0, "started": 1.0, "ended": 2.0}


def test_the_second_transcribers_text_has_the_timing_of_its_segments() -> None:
    repair = TranscriptRepair(RepairPolicy(prefer="shadow"))
    repair.transcriber_ready(always=True)
    segments = [("I live in", 0.5, 5.0), ("a small town.", 5.0, 10.2)]
    repair.transcribed("I live in a small town.", 1.0, 10.0, False, 11.0, segments)
    utterance = UtteranceSpoken(12.0, "caller", "I live", 1.0, 10.0)
    actions = repair.utterance_finished(FinishedUtterance(utterance, (Fragment("I live", 2.0),), VOICE), 12.0)
    [recorded] = [action.utterance for action in actions if isinstance(action, RecordUtterance)]
    assert recorded.text == "I live in a small town."
    assert recorded.times == (SegmentTiming(0, 1.0, 5.0), SegmentTiming(10, 5.0, 10.0))


def test_a_segment_begins_no_sooner_than_the_one_before_it_ended() -> None:
    # The chunks that a second transcriber is given may have some audio in common.
    _, times = join_segments([("I live", 1.0, 6.0), ("in a small", 5.0, 10.0), ("town.", 9.5, 9.9)])
    assert clip_timing(times, 0.0, 20.0) == (SegmentTiming(0, 1.0, 6.0), SegmentTiming(7, 6.0, 10.0))


times = st.floats(0, 60).map(lambda second: round(second, 2))
voices = st.lists(times, max_size=8, unique=True).map(
    lambda edges: [VoiceSpan(*pair) for pair in zip(*[iter(sorted(edges))] * 2, strict=False)]
)
texts = st.lists(st.tuples(st.text("ab ", max_size=6), times), max_size=12).map(
    lambda found: [Fragment(text, at) for (text, _), at in zip(found, sorted(at for _, at in found), strict=True)]
)


@given(texts, voices, times, times)
def test_segments_are_in_order_within_the_utterance_and_lose_no_word(
    fragments: list[Fragment], voice: list[VoiceSpan], one: float, other: float
) -> None:
    text = " ".join("".join(fragment.text for fragment in fragments).split())
    started, ended = sorted((one, other))
    found = clip_timing(arrival_timing(fragments, voice), started, ended)
    assert len(found) != 1
    if not found:
        return
    assert " ".join(segments_of(text, found)) == text
    assert all(segments_of(text, found))
    assert started <= found[0].started and found[-1].ended <= ended
    assert all(one.started < one.ended for one in found)
    assert all(before.ended <= after.started for before, after in pairwise(found))
    last = max(fragment.at for fragment in fragments)
    assert found[-1].ended <= last, "said before it arrived"


@given(st.lists(st.tuples(st.text("ab", max_size=4), times, times), max_size=8))
def test_joined_texts_are_cut_where_they_were_joined(segments: list[tuple[str, float, float]]) -> None:
    text, found = join_segments(segments)
    assert text == " ".join(words for words, _, _ in segments if words)
    assert segments_of(text, found) == [words for words, _, _ in segments if words]
