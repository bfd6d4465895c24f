"""Anybody's words on one line of a document."""

import unicodedata

ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

_SPEAKERS = {"caller": "Caller", "examiner": "Examiner"}

# Unicode's bidirectional controls would reverse the rest of a line and what follows it.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def plain(text: str) -> str:
    """The words of a text on one line, without characters that steer a terminal or a page."""
    harmless = (char for char in text if char.isspace() or (unicodedata.category(char) != "Cc" and char not in _BIDI))
    return " ".join("".join(harmless).split())


def speaker(name: str) -> str:
    """The name of a speaker for people: Caller or Examiner."""
    return _SPEAKERS.get(name, plain(name))
