"""Anybody's text where it is shown: characters that would steer a terminal are written out."""

import re

# Controls (C0 without tab and line feed, DEL, C1), line and paragraph separators, and Unicode's bidirectional controls,
# which would reverse the rest of a line and what follows it. No terminal takes lone surrogates, in which Python holds a
# file's name that is not UTF-8.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ud800-\udfff]"
)


def visible(text: str) -> str:
    """A text in which what would steer a terminal is written as \\uXXXX, as JSON and YAML do; line feeds stay."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
