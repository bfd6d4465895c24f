"""What a key may look like that is sent in an HTTP header."""

import unicodedata

_QUOTES = "\"'`"
_COPIED = "; copy it anew, without blanks, line breaks or quotation marks"


def flaw(key: str) -> str | None:
    """What is wrong with a key, in a sentence that shows no letter of it; None when it can be sent.

    A header takes printable ASCII. A library that finds anything else there raises with the whole header in its text.
    """
    for at, char in enumerate(key, 1):
        if not "!" <= char <= "~" or char in _QUOTES:
            # A letter of the key itself stays unnamed: an accent or another script may be what was meant.
            name = "a letter outside ASCII" if char.isalpha() else f"{_code(char)} {_name(char)}".strip()
            return f"character {at} of {len(key)} is {name}, which no key has{_COPIED}"
    return None


def _code(char: str) -> str:
    return f"U+{ord(char):04X}"


def _name(char: str) -> str:
    return {"\n": "(a line break)", "\r": "(a line break)", "\t": "(a tab)", " ": "(a blank)"}.get(
        char, f"({unicodedata.name(char, 'a control character').lower()})"
    )
