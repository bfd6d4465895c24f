import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.credentials import flaw

KEY = "AIzaSyD-9tSrke72PouQMnMX_a7eZSW0jkFMBWY"


@pytest.mark.parametrize("key", [KEY, "open-sesame", "a+b/c=d", "~!#$%&()*,.:;<>?@[]^_{|}"])
def test_a_key_of_printable_ascii_is_taken_as_it_is(key: str) -> None:
    assert flaw(key) is None


@pytest.mark.parametrize(
    ("odd", "named"),
    [
        ("\u200b", "U+200B (zero width space)"),
        ("\ufeff", "U+FEFF (zero width no-break space)"),
        ("\u00a0", "U+00A0 (no-break space)"),
        ("\u201c", "U+201C (left double quotation mark)"),
        ("\u2011", "U+2011 (non-breaking hyphen)"),
        ("\n", "U+000A (a line break)"),
        ("\r", "U+000D (a line break)"),
        (" ", "U+0020 (a blank)"),
        ("\t", "U+0009 (a tab)"),
        ("\0", "U+0000 (a control character)"),
        ("\x7f", "U+007F (a control character)"),
        ('"', "U+0022 (quotation mark)"),
        ("'", "U+0027 (apostrophe)"),
        ("é", "a letter outside ASCII"),
        ("ключ", "a letter outside ASCII"),
    ],
)
@pytest.mark.parametrize("at", [0, 7, len(KEY)])
def test_a_character_that_no_header_takes_is_named_with_its_place(odd: str, named: str, at: int) -> None:
    found = flaw(KEY[:at] + odd + KEY[at:])
    assert found is not None and found.startswith(f"character {at + 1} of {len(KEY) + len(odd)} is {named}, ")


@given(st.text())
def test_a_key_is_taken_only_if_a_header_takes_it(key: str) -> None:
    if flaw(key) is None:
        assert key.encode("ascii").decode() == key and key.isprintable() and not set(key) & set(" \"'`")


@given(st.text(alphabet="ABCDEFG", min_size=6, max_size=40), st.integers(0, 40))
def test_the_sentence_shows_no_piece_of_the_key(key: str, at: int) -> None:
    said = flaw(key[:at] + "\u200b" + key[at:])
    assert said is not None and not any(key[start : start + 6] in said for start in range(len(key) - 5))
