"""Word recall: how much of what was said is in a text."""

import re

import jiwer

_WORD = re.compile(r"[\w']+")
_SAID = re.compile(r"\(?[\w']+\)?")
_FILLERS = frozenset({"ah", "er", "erm", "hm", "mm", "uh", "um"})


def words(text: str) -> list[str]:
    """The words of a text, without case and punctuation."""
    return _WORD.findall(text.lower().replace("’", "'"))


def found(said: str, written: str) -> set[int]:
    """Which words of `said`, by their places, are in `written`, in order. Raises ValueError without words."""
    known, text = words(said), words(written)
    if not known:
        raise ValueError("nothing was said")
    if not text:
        return set()
    [alignment] = jiwer.process_words(" ".join(known), " ".join(text)).alignments
    equal = (chunk for chunk in alignment if chunk.type == "equal")
    return {place for chunk in equal for place in range(chunk.ref_start_idx, chunk.ref_end_idx)}


def recall(said: str, written: str, *, audible: str | None = None) -> float:
    """The share of the words of `said` that are in `written`, in order: 0 to 1. Raises ValueError without words.

    With `audible`, a transcription of the same speech, only the words that it has count: others are beyond that
    recogniser.
    """
    present = found(said, written)
    known = set(range(len(words(said)))) if audible is None else found(said, audible)
    return len(present & known) / len(known) if known else 0.0


def lost(said: str, written: str) -> list[str]:
    """The words of `said` that are not in `written`, in order; fillers do not count.

    In the place of a word in parentheses any one word may stand: it is one that recognisers spell in many ways.
    """
    known = _SAID.findall(said.lower())
    text = [word for word in words(written) if word not in _FILLERS]
    if not text:
        return known
    [alignment] = jiwer.process_words(" ".join(known), " ".join(text)).alignments
    present: set[int] = set()
    for chunk in alignment:
        if chunk.type in ("equal", "substitute"):
            places = range(chunk.ref_start_idx, chunk.ref_end_idx)
            present |= {place for place in places if chunk.type == "equal" or known[place].startswith("(")}
    return [word for place, word in enumerate(known) if place not in present]
