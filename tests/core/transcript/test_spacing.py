"""A blank stands between two fragments where it belongs and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transcript.spacing import Spacing


def joined(*fragments: str) -> str:
    """The fragments of one window."""
    spacing, text = Spacing(), ""
    for fragment in fragments:
        text += spacing.spaced(text, fragment)
    return text


@pytest.mark.parametrize(
    ("fragments", "text"),
    [
        # Numbers.
        (["3", ",", "500"], "3,500"),
        (["3,", "500"], "3,500"),
        (["It was 3,", "500 of them"], "It was 3,500 of them"),
        (["3", ".", "5"], "3.5"),
        (["3.", "5"], "3.5"),
        ([" Speaking", " is", " 7", ".5", "."], " Speaking is 7.5."),
        (["10", ":", "30"], "10:30"),
        (["at 10:", "30 or so"], "at 10:30 or so"),
        (["$", "3", ",", "500", ".", "50"], "$3,500.50"),
        (["50", "%"], "50%"),
        (["5", "€"], "5€"),
        (["-", "5"], "-5"),
        (["1", " 000"], "1 000"),
        (["20", "th"], "20th"),
        (["1", "/", "2"], "1/2"),
        # Words in parts, with a capital, a hyphen or an apostrophe in them.
        (["You", "Tube"], "YouTube"),
        ([" I watch", " You", "Tube every day"], " I watch YouTube every day"),
        (["i", "Phone"], "iPhone"),
        (["Mc", "Donald"], "McDonald"),
        (["well", "-", "known"], "well-known"),
        (["don", "'t"], "don't"),
        (["I", "’m"], "I’m"),
        (["O", "’", "Brien"], "O’Brien"),
        # Abbreviations and addresses.
        (["U.", "S."], "U.S."),
        (["U", ".", "S", "."], "U.S."),
        (["e.", "g."], "e.g."),
        (["Ph.", "D."], "Ph.D."),
        (["10 a.", "m."], "10 a.m."),
        (["example.", "com"], "example.com"),
        # Quotes and ellipses.
        (['He said "', "Stop.", '"', " Then"], 'He said "Stop." Then'),
        (["wait", "...", "and"], "wait...and"),
        (["wait", "…"], "wait…"),
        # Scripts without blanks.
        (["你好", "。", "我是"], "你好。我是"),
        (["สวัสดี", "ครับ"], "สวัสดีครับ"),
        (["I use", "微信"], "I use微信"),
        # A sentence ends and another begins, or a phrase.
        (["How are you today?", "Hello!"], "How are you today? Hello!"),
        ([" How", " are", " you", " today?", "Hello!"], " How are you today? Hello!"),
        (["today", "?", "hello"], "today? hello"),
        (["Let us stop.", "Here are your marks."], "Let us stop. Here are your marks."),
        (['"Stop."', '"Why?"'], '"Stop." "Why?"'),
        (["¿Qué?", "¿Cómo?"], "¿Qué? ¿Cómo?"),
        (["So do I.", "Then we"], "So do I. Then we"),
        (["Well,", "yes"], "Well, yes"),
        (["Fluency is 6.", "5 people came"], "Fluency is 6. 5 people came"),
        (["Fluency is six.", "5 for that"], "Fluency is six. 5 for that"),
        (["I live in a town", "It is small."], "I live in a town It is small."),
        (["I live in a town", "it is small"], "I live in a town it is small"),
        ([" I", " live", " in a to", "wn by the sea"], " I live in a town by the sea"),
        (["There are", "3 of them"], "There are 3 of them"),
        (["Grammar: 7", "Fluency: 6"], "Grammar: 7 Fluency: 6"),
        (["Grammar:", "7"], "Grammar: 7"),
        (['I say "yes"', "Then we go."], 'I say "yes" Then we go.'),
        (["In Sack", "ville", ",", " New", " Bruns", "wick."], "In Sackville, New Brunswick."),
    ],
)
def test_fragments_of_one_window(fragments: list[str], text: str) -> None:
    assert joined(*fragments) == text


@pytest.mark.parametrize(
    ("before", "text", "apart"),
    [
        ("Let us stop", "here", "Let us stop here"),
        ("Speaking is 7", ".5.", "Speaking is 7.5."),
        ("I don", "'t know", "I don't know"),
        ("he said.", "'I am here'", "he said. 'I am here'"),
        ("你好", "我是", "你好我是"),
        ("it costs $", "5", "it costs $5"),
        ("one", "two", "one two"),
    ],
)
def test_behind_a_transcription_that_was_declared_over_a_word_begins(before: str, text: str, apart: str) -> None:
    spacing = Spacing()
    assert spacing.spaced("", before) == before
    spacing.transcription_finished()
    assert before + spacing.spaced(before, text) == apart
    assert spacing.spaced(apart, "s") == "s", "only there"


def test_a_window_goes_on_within_a_number_where_windows_bring_their_own_blanks() -> None:
    for first, joint in ((" It was 3.", ""), ("It was 3.", " ")):
        spacing = Spacing()
        spacing.spaced("", first)
        spacing.window_closed()
        assert spacing.spaced(first, "50 then") == f"{joint}50 then"


@given(st.lists(st.text(st.sampled_from("ab AB.,?!'3-你"), min_size=1, max_size=5), max_size=10))
def test_nothing_but_blanks_is_added(fragments: list[str]) -> None:
    assert "".join(joined(*fragments).split()) == "".join("".join(fragments).split())
