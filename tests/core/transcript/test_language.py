"""Words of a language that is not expected are no transcript of what was said."""

import pytest

from core.text import join_words
from core.transcript.language import ExpectedLanguage
from core.transcript.values import Fragment

ASKED = "Let us talk about your home town. Where do you live, and what do you like about the place?"
ARABIC = "أنا أعيش في مدينة صغيرة"
NONSENSE = "Blarn fostig merulan toweck plinnor drasket vumble oskari thren galpid wexter norvin plast drimmel."


def expected(*languages: str, examiner: str = ASKED) -> ExpectedLanguage:
    language = ExpectedLanguage(languages)
    language.examiner_said(examiner)
    return language


def parts(*texts: str) -> list[Fragment]:
    return [Fragment(text, float(n)) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("language", "text", "mismatch"),
    [
        (expected(), "I live in a small town in Canada.", None),
        (expected(), ARABIC, "script"),
        (expected(), "मैं कनाडा में रहता हूँ", "script"),
        (expected(), "हाँ", "script"),
        (expected(), NONSENSE, "language"),
        (expected(), "Ich wohne in einer kleinen Stadt mit meiner Familie und meinem Hund zusammen.", "language"),
        (expected(), "12, 13, 14.", None),
        (expected(), "My friend 王小明 and I eat 饺子 in the winter.", None),
        (expected(), "Reading, cooking, football.", None),
        (expected("zh"), "我住在北京，我喜欢散步。", None),
        (expected("zh", examiner="今天天气怎么样？"), "I live in a small town.", "script"),
        (expected("zh", "en"), "I live in a small town. 我住在北京。", None),
        (expected("ja"), "私は東京に住んでいます。", None),
        (expected("zh-Hans"), "わたしはとうきょうにすんでいます。", "script"),
        (expected("th"), "ผมอาศัยอยู่ที่กรุงเทพ", None),
        (expected("ru"), "Я живу в Москве.", None),
        (expected("de"), "Ich wohne in einer kleinen Stadt mit meiner Familie und meinem Hund zusammen.", None),
        (expected(examiner="あなたはどこに住んでいますか。"), "私は東京に住んでいます。", None),
        (expected(examiner="あなたはどこに住んでいますか。"), "I live in Tokyo.", "script"),
        (ExpectedLanguage(), ARABIC, None),
    ],
)
def test_the_script_and_where_it_is_english_the_language_are_held_against_what_is_expected(
    language: ExpectedLanguage, text: str, mismatch: str | None
) -> None:
    assert language.mismatch(parts(text)) == mismatch


def test_only_the_words_that_do_not_match_are_left_out() -> None:
    language = expected()
    mixed = parts(" I live with my family in", f" {ARABIC}", " and with 王小明 there.")
    assert (
        join_words(one.text.strip() for one in language.matching(mixed))
        == "I live with my family in and with 王小明 there."
    )
    assert [one.at for one in language.matching(mixed)] == [0.0] * 6 + [2.0] * 5
    alike = parts(" I live", " there.")
    assert language.matching(alike) == tuple(alike)
    assert language.matching(parts(NONSENSE)) == ()


def test_a_text_that_matches_is_handed_back_as_it_is() -> None:
    language = expected()
    assert language.matching_text("I  live there. ") == "I  live there. "
    assert language.matching_text(f"I live with them in {ARABIC} there.") == "I live with them in there."
    assert language.matching_text("") == language.matching_text(ARABIC) == ""
