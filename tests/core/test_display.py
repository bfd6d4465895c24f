import json
import unicodedata

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.display import visible

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", "\\u001b[2J\\u001b]0;title\\u0007"),
        ("\x9b31m", "\\u009b31m"),
        ("done\r50 %", "done\\u000d50 %"),
        ("abc\u202edef", "abc\\u202edef"),
        ("exam\udcff.yaml", "exam\\udcff.yaml"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("Übung, 你好, नमस्ते, שלום", "Übung, 你好, नमस्ते, שלום"),
    ],
)
def test_what_steers_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_nothing_that_steers_is_left(text: str) -> None:
    left = visible(text)
    assert not [char for char in left if unicodedata.category(char) == "Cc" and char not in "\n\t"]
    assert not set(left) & set(BIDI)


@given(st.text())
def test_json_and_yaml_in_which_it_is_written_out_still_say_the_same(text: str) -> None:
    assert json.loads(visible(json.dumps([text], ensure_ascii=False))) == [text]
    quoted = yaml.safe_dump([text], allow_unicode=True, default_style='"')
    assert yaml.safe_load(visible(quoted)) == yaml.safe_load(quoted)
