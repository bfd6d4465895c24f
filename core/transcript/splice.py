"""Putting the words of repairs into a text at their place."""

from collections.abc import Sequence

from core.transcript.gaps import Gap, GapPolicy, Placed, placed
from core.transcript.overlap import appended, content, prepended
from core.transcript.values import FinishedUtterance


def splice(said: FinishedUtterance, repairs: Sequence[tuple[Gap, str]], policy: GapPolicy) -> str | None:
    """The text of an utterance with the words of its repairs in their places; None when that is no more than it has."""
    words = placed(said.voice, said.pieces, policy)
    text: list[str] = []
    at = 0
    for hole, heard in repairs:
        if not heard:
            continue
        before, after = around(words[at:], hole)
        text += before
        text += between(text, heard.split(), after)
        at = len(words) - len(after)  # the few words within the hole are among what was heard there
    mended = " ".join([*text, *(word.text for word in words[at:])])
    return mended if content(mended) > content(said.spoken.text) else None


def around(words: Sequence[Placed], hole: Gap) -> tuple[list[str], list[str]]:
    return [word.text for word in words if word.at < hole.started], [
        word.text for word in words if word.at >= max(hole.started, hole.ended)
    ]


def between(before: Sequence[str], heard: Sequence[str], after: Sequence[str]) -> list[str]:
    """What was heard, without what stands before and after it already."""
    new = appended(before, heard)[len(before) :]
    return prepended(new, after)[: -len(after) or None]
