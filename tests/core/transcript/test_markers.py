"""Markers that nobody said are removed, and what a person can say stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import MarkersRemoved
from core.transcript.markers import MarkerFilter, fragments_without_markers, markers_removed, without_markers
from core.transcript.values import Fragment


@pytest.mark.parametrize(
    "marker",
    [
        *(
            "<noise>",
            "<laugh>",
            "<laughter/>",
            "<inaudible>",
            "<background noise>",
            "<no speech>",
            "<NOISE>",
            "<cough>",
        ),
        *("[noise]", "[laughs]", "[inaudible 00:12]", "[BLANK_AUDIO]", "[speaking Spanish]", "[ Silence ]", "[ __ ]"),
        *("(laughs)", "(clears throat)", "(unintelligible)", "*coughs*", "（笑）", "[音楽]", "【笑声】", "[Lachen]"),
        *("<ctrl46>", "<|endoftext|>", "<|im_end|>", "<unk>", "</s>", "<0x0A>", "<unused99>", "<start_of_turn>"),
        *('<break time="500ms"/>', "</speak>", "♪♪", "{laughter}"),
    ],
)
def test_a_marker_is_removed_and_named(marker: str) -> None:
    assert without_markers(marker) == ("", (marker,))
    text, found = without_markers(f"I like {marker} the sea.")
    assert (" ".join(text.split()), found) == ("I like the sea.", (marker,))


@pytest.mark.parametrize(
    "said",
    [
        *("a < b", "a < b and c > d", "if a<b and c>d", "a<b>c", "3 < 5", "I <3 you", "x <y> z", "List<String>"),
        *("array[i]", "array[index]", "the interval [0, 1]", "option [B]", "a [seven]", "a <seven>", "a band of <B2>"),
        *("in a town (the old one)", "(1.5 s of speech)", "(no)", "2 * 3 * 4", "a *seven* for that", "5 > 4 > 3"),
        *("[BAND_SCORES] fluency: 7 [/BAND_SCORES]", "<BAND_SCORES>", "<band_scores>", "[Band scores]", "[/ERGEBNIS]"),
        "there was a lot of noise and laughter, and I was silent",
    ],
)
def test_what_a_person_can_say_stays(said: str) -> None:
    assert without_markers(said) == (said, ())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("6<ctrl46>.5", "6.5"),
        ("sev<ctrl46>en", "seven"),
        ("6<ctrl46>5", "6 5"),  # never sixty-five
        ("Hello<noise>world", "Hello world"),
        ("6<noise>.5", "6.5"),
        ("<noise><noise>Yes<noise>.", "Yes."),
    ],
)
def test_words_are_neither_cut_nor_joined_where_a_marker_stood(text: str, left: str) -> None:
    assert without_markers(text)[0] == left
    assert "".join(one.text for one in fragments_without_markers([Fragment(text, 1.0)])[0]) == left


def test_a_marker_may_be_split_over_fragments() -> None:
    fragments = [Fragment("You get a 6<ct", 1.0), Fragment("rl46", 2.0), Fragment(">.5", 3.0), Fragment(" now", 4.0)]
    assert fragments_without_markers(fragments) == (
        [Fragment("You get a 6", 1.0), Fragment(".5", 3.0), Fragment(" now", 4.0)],
        ("<ctrl46>",),
    )


def test_in_a_stream_the_beginning_of_a_marker_is_held_until_it_is_known() -> None:
    stream = MarkerFilter()
    assert [stream.add(text) for text in ("6<ct", "rl46", ">", ".5", " [la", "ughs] so")] == [
        ("6", ()),
        ("", ()),
        ("", ()),
        (".5", ("<ctrl46>",)),
        (" ", ()),
        (" so", ("[laughs]",)),
    ]
    assert stream.add(" a < b") == (" a < b", ())
    assert stream.add(" <no") == (" ", ())
    assert (stream.flush(), stream.flush()) == (("<no", ()), ("", ()))
    assert stream.add("<noise>") == ("", ()) and stream.flush() == ("", ("<noise>",))


pieces = st.sampled_from(
    ["a", " b", "List", "<no", "ise>", "<String>", "<", ">", "[x]", "[la", "ughs]", "<ctrl46>", "."]
)


@given(st.lists(pieces, max_size=12))
def test_a_stream_gives_what_the_whole_text_gives(texts: list[str]) -> None:
    stream = MarkerFilter()
    parts = [*(stream.add(text) for text in texts), stream.flush()]
    whole, found = without_markers("".join(texts))
    assert "".join(text for text, _ in parts) == whole
    assert tuple(one for _, some in parts for one in some) == found


@given(st.lists(st.sampled_from(["a", " b", "<no", "ise>", "<", ">", "[x]", "6<ctrl46>", ".5", " "]), max_size=12))
def test_fragments_keep_the_letters_of_the_whole_text(texts: list[str]) -> None:
    fragments = [Fragment(text, float(n)) for n, text in enumerate(texts)]
    cleaned, found = fragments_without_markers(fragments)
    assert ("".join(one.text for one in cleaned), found) == without_markers("".join(texts))
    assert [one.at for one in cleaned] == sorted(one.at for one in cleaned)


def test_the_event_counts_them_and_names_each_once() -> None:
    assert markers_removed(1.0, "caller", ()) == []
    assert markers_removed(1.0, "caller", ("<noise>", "[laughs]", "<noise>")) == [
        MarkersRemoved(1.0, "caller", 3, "<noise> [laughs]")
    ]
