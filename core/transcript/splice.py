"""Puts retranscribed words into a text at their place."""

from collections.abc import Sequence
from dataclasses import replace

from core.text import join_words, split_text
from core.transcript.gaps import Gap, GapPolicy, PlacedWord, place_words
from core.transcript.overlap import appended, content_words, joined, prepended
from core.transcript.values import FinishedUtterance

# Seconds of audio that two texts have in common from which on both surely have the word at the end of the first.
LEAST_OVERLAP = 1.0


def splice(finished: FinishedUtterance, repairs: Sequence[tuple[Gap, str]], policy: GapPolicy) -> str | None:
    """The text of an utterance with the words of its repairs in their places; None when that is no more than it has."""
    words = place_words(finished.voice, finished.fragments, policy)
    spliced: list[str] = []
    at = 0
    for gap, retranscribed in repairs:
        if not retranscribed:
            continue
        before, after = words_around(words[at:], gap)
        spliced += before
        spliced += missing_words(spliced, split_text(retranscribed), after)
        at = len(words) - len(after)  # the few words within the gap are among the retranscribed ones
    text = join_words([*spliced, *(word.text for word in words[at:])])
    return text if content_words(text) > content_words(finished.utterance.text) else None


def join_overlapping(repairs: Sequence[tuple[tuple[float, float], Gap, str]]) -> list[tuple[Gap, str]]:
    """Gaps and their retranscribed text, from (span of the audio, gap, text) in order; where the audio of two overlaps,
    they are one, since what lies between their gaps was retranscribed as well.
    """
    joined_up: list[tuple[Gap, str]] = []
    until = float("-inf")
    for (started, ended), gap, text in repairs:
        if joined_up and joined_up[-1][1] and text and started + LEAST_OVERLAP <= until:
            first, before = joined_up[-1]
            whole = replace(first, ended=gap.ended, voiced=first.voiced + gap.voiced, words=first.words + gap.words)
            # Of audio that the first text is of as well, the second has no word more.
            more = split_text(text) if ended > until else []
            joined_up[-1] = whole, join_words(joined(split_text(before), more))
        else:
            joined_up.append((gap, text))
        until = max(until, ended)
    return joined_up


def words_around(words: Sequence[PlacedWord], gap: Gap) -> tuple[list[str], list[str]]:
    """The words before a gap, and those after it."""
    return [word.text for word in words if word.at < gap.started], [
        word.text for word in words if word.at >= max(gap.started, gap.ended)
    ]


def missing_words(before: Sequence[str], retranscribed: Sequence[str], after: Sequence[str]) -> list[str]:
    """The retranscribed words without those that the text has before and after the gap already."""
    new = appended(before, retranscribed)[len(before) :]
    return prepended(new, after)[: -len(after) or None]
