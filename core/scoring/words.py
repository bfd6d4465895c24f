"""Text as words, numbers and marks, without what only hinders: fillers, contractions, torn and misspelt words."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

# After the last word of somebody who was broken off. No transcript holds it.
CUT = "\x00"
# Where the other side spoke at length in between.
TURN = "\x01"


def row(words: str) -> list[str]:
    """Words in order."""
    return words.split()


def wordset(words: str) -> frozenset[str]:
    """Words as a set."""
    return frozenset(words.split())


ENDS = frozenset(".!?\n")
PAUSES = frozenset({",", "…", "-"})

FILLERS = wordset("um umm uh uhh uhm er erm err hm hmm mm mmm ah eh")
SUFFIXES = {"d": "would", "s": "is", "ll": "will", "re": "are", "ve": "have", "m": "am", "t": "not"}
RUN_TOGETHER = {
    "id": ("i", "would"),
    "ill": ("i", "will"),
    "thats": ("that", "is"),
    "youd": ("you", "would"),
    "dont": ("do", "not"),
    "doesnt": ("does", "not"),
    "didnt": ("did", "not"),
    "isnt": ("is", "not"),
    "wasnt": ("was", "not"),
    "cant": ("can", "not"),
    "cannot": ("can", "not"),
    "wont": ("will", "not"),
    "wouldnt": ("would", "not"),
    "couldnt": ("could", "not"),
    "havent": ("have", "not"),
    "lets": ("let", "us"),
    "won't": ("will", "not"),
    "can't": ("can", "not"),
    "let's": ("let", "us"),
}
# Shorter words are too like others to be guessed at: "flow" and "slow".
MISSPELT = 6
# Spellings of one sound.
SOUNDS = (
    ("ey$", "y"),
    ("n(?:ts|[cs]e)$", "ns"),
    ("ew", "u"),
    ("ph", "f"),
    (r"ti(?=on$)|sh(?=[uo]n$)", "sh"),
    ("un$", "on"),
)
_PLAIN = {ord("•"): ";", ord("&"): " and ", ord(CUT): " "}
# The grade "A*", which is not "*A*" in Markdown.
_STARRED = re.compile(r"(?<![*\w])([A-Za-z])\*(?![*\w])")
_TOKEN = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)*)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<pause>\.{2,}|…)"
    r"|(?P<mark>[.!?,;:\-/()\[\]=|%+<>{}]|\n+)"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word in lower case, a number in digits, or a mark.

    `glued` when nothing stands between it and the token before it; `torn` when the speaker was broken off before it.
    """

    kind: Literal["word", "number", "mark"]
    text: str
    start: int
    end: int
    glued: bool = False
    torn: bool = False


def plain(text: str) -> str:
    """Text with one spelling of quotes, dashes, digits and halves."""
    text = re.sub(r"(\d)\s?½", r"\1.5", text).replace("½", " and a half")
    text = unicodedata.normalize("NFKC", text)
    text = re.sub("[‘’ʼ`´]", "'", text)
    text = _STARRED.sub(r"\1 star", text)
    return re.sub("[‐‑‒–—―−]", "-", text).translate(_PLAIN)


def tokens(text: str, offset: int = 0) -> list[Token]:
    """The tokens of `plain` text, without fillers; contractions are taken apart."""
    found: list[Token] = []
    end = -1
    for match in _TOKEN.finditer(text):
        start, glued, said = match.start(), match.start() == end, match.group()
        end = match.end()
        place = (start + offset, end + offset, glued)
        if match["number"]:
            found.append(Token("number", said, *place))
        elif match["word"]:
            found += [Token("word", word, *place) for word in _spelled_out(said.casefold())]
        elif match["pause"]:
            found.append(Token("mark", "…", *place))
        elif said != "-" or not _hyphen(text, start):
            found.append(Token("mark", said[0], *place))
    return _without_fillers(found)


def _spelled_out(word: str) -> tuple[str, ...]:
    if word in RUN_TOGETHER:
        return RUN_TOGETHER[word]
    stem, apostrophe, suffix = word.rpartition("'")
    if not apostrophe or suffix not in SUFFIXES:
        return (word.replace("'", ""),)
    if suffix == "t":
        return (stem.removesuffix("n"), "not")
    return (stem, SUFFIXES[suffix])


def _hyphen(text: str, at: int) -> bool:
    """Whether the dash there joins a compound ("six-and-a-half", "B-2"), and is no range ("6-7")."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    return before.isalnum() and after.isalnum() and not (before.isdigit() and after.isdigit())


def _without_fillers(found: list[Token]) -> list[Token]:
    out: list[Token] = []
    dropped = False
    for token in found:
        if token.text in FILLERS:
            dropped = True
            continue
        # "six, um, point five": the filler goes with one of its commas
        if dropped and token.text in {",", "…"} and out and out[-1].text in {",", "…"}:
            continue
        dropped = False
        out.append(token)
    return out


def normalised(found: Sequence[Token], lexicon: Collection[str], names: frozenset[str]) -> list[Token]:
    """The tokens with words of the `lexicon` put together that stand in two, and misspelt `names` put right."""
    out: list[Token] = []
    for token in found:
        before = out[-1] if out else None
        if before and before.kind == token.kind == "word" and not (before.text in lexicon and token.text in lexicon):
            whole = before.text + token.text
            if whole in lexicon:
                out[-1] = replace(before, text=whole, end=token.end)
                continue
        out.append(token)
    spelt = {token.text: _respelt(token.text, names) for token in out if token.kind == "word"}
    return [
        replace(token, text=spelt[token.text]) if spelt.get(token.text, token.text) != token.text else token
        for token in out
    ]


@lru_cache(maxsize=4096)
def _respelt(word: str, names: frozenset[str]) -> str:
    if len(word) < MISSPELT or word in names:
        return word
    # People and recognizers get the first letter right.
    near = (
        name
        for name in sorted(names)
        if len(name) >= MISSPELT and name[0] == word[0] and abs(len(name) - len(word)) <= 1
    )
    return next((name for name in near if _one_off(name, word) or _sound(name) == _sound(word)), word)


def _sound(word: str) -> str:
    """A word as it sounds to a recognizer: "coherents" is "coherence", "flewency" is "fluency"."""
    for spelling, sound in SOUNDS:
        word = re.sub(spelling, sound, word)
    return word


def _one_off(one: str, other: str) -> bool:
    """Whether one letter makes the difference: changed, added, left out, or swapped with the next."""
    short, long = sorted((one, other), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    return short[at + 1 :] == long[at + 1 :] or (
        short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    )


def text_at(found: Sequence[Token], i: int) -> str:
    """The token at a place, or nothing."""
    return found[i].text if 0 <= i < len(found) else ""


def mentions(found: Sequence[Token], names: dict[tuple[str, ...], str]) -> Iterator[tuple[str, int, int]]:
    """Which of the names stand where, the longest first: (what the name is for, first token, last token)."""
    longest: dict[str, int] = {}
    for name in names:
        longest[name[0]] = max(len(name), longest.get(name[0], 0))
    i = 0
    while i < len(found):
        for length in range(min(longest.get(found[i].text, 0), len(found) - i), 0, -1):
            name = names.get(tuple(token.text for token in found[i : i + length]))
            if name is not None:
                yield name, i, i + length - 1
                i += length - 1
                break
        i += 1
