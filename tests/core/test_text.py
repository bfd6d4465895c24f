"""What a word is depends on the script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import join_words, shingles, split_text, truncate, word_spans, words


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("Well, I'm  a well-known “man” …", ["Well,", "I'm", "a", "well-known", "“man”", "…"]),
        ("我住在北京，很好。", ["我", "住在", "北京，", "很好。"]),
        ("私は学生です。", ["私", "は", "学生", "です。"]),
        ("ผมอยู่ที่กรุงเทพ", ["ผม", "อยู่", "ที่", "กรุงเทพ"]),
        ("我有iPhone手机 and 3 more", ["我有", "iPhone", "手机", "and", "3", "more"]),
        ("「はい」", ["「はい」"]),
        ("नमस्ते दोस्त", ["नमस्ते", "दोस्त"]),
        ("저는 서울에 살아요", ["저는", "서울에", "살아요"]),
        ("。", ["。"]),
        ("😀𠮷野家 \ud800我", ["😀𠮷", "野家", "\ud800我"]),
        ("", []),
    ],
)
def test_words_are_found_between_blanks_and_in_the_dictionaries_of_scripts_without(text: str, split: list[str]) -> None:
    assert split_text(text) == split


@given(st.text(st.sampled_from("a b,。我住在北京ผมอยู่「😀𠮷\ud800\n3")))
def test_words_are_all_of_a_text_but_its_blanks(text: str) -> None:
    spans = word_spans(text)
    assert "".join(text[begin:end] for begin, end in spans) == "".join(text.split())
    assert all(begin < end for begin, end in spans) and spans == sorted(spans)


def test_words_are_joined_with_blanks_where_their_script_has_them() -> None:
    assert join_words(["I", "see."]) == "I see."
    assert join_words(["我", "住在", "北京，", "and", "东京"]) == "我住在北京， and 东京"
    assert join_words([]) == ""


def test_a_part_of_a_text_ends_with_a_whole_word_in_every_script() -> None:
    assert truncate("Where do you live?", 0.5) == "Where do"
    assert truncate("你住在哪里？你喜欢什么？", 0.5) == "你住在哪里？"
    assert truncate("I see. ", 1.0) == "I see." and truncate("I see.", 0.0) == truncate("Hello", 0.5) == ""


def test_words_in_lower_case_have_no_punctuation_and_keep_their_vowel_signs() -> None:
    assert words("It’s a Café, OK?") == ("it's", "a", "café", "ok")
    assert words("नमस्ते, दोस्त!") == ("नमस्ते", "दोस्त")
    assert len(shingles("我喜欢在周末去公园散步")) >= 3
