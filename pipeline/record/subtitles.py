"""The transcript as WebVTT: subtitles of a recording of the call."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from pipeline.record.models import SessionRecord, Utterance
from pipeline.record.plain_text import ENTITIES, plain, speaker

# Seconds of speech on the screen at once: two lines of subtitles.
CUE = 7.0

# Seconds that a cue stands before the next one may take its place; two that begin closer together are one.
READABLE = 1.0

Cue = tuple[int, int, str]
"""Start and end in milliseconds, and text."""


def as_webvtt(record: SessionRecord) -> str:
    """The transcript as subtitles of a recording of the call, each cue with its speaker.

    A cue never begins before the one above it, nor while that is on the screen: where both sides spoke at once, the
    earlier one makes way, and what began at the same time is one cue of several lines.
    """
    cues = [f"{_timestamp(start)} --> {_timestamp(end)}\n{text}\n" for start, end, text in _in_turn(_spoken(record))]
    return "\n".join(["WEBVTT\n", *cues])


def parts(utterance: Utterance) -> list[tuple[str, float, float]]:
    """An utterance as subtitles, each with its text, start and end.

    A short one is whole, a long one in parts of about CUE seconds where the times of its parts are known.
    """
    whole = [(utterance.text, utterance.started, utterance.ended)]
    if utterance.ended - utterance.started <= CUE or not utterance.times:
        return whole
    groups: list[list[dict[str, Any]]] = []
    for one in utterance.times:
        if groups and one["ended"] - groups[-1][0]["started"] <= CUE:
            groups[-1].append(one)
        else:
            groups.append([one])
    edges = [0, *(group[0]["offset"] for group in groups[1:]), len(utterance.text)]
    if edges != sorted(set(edges)):
        return whole  # not as we write them
    return [
        (utterance.text[first:last], group[0]["started"], group[-1]["ended"])
        for group, (first, last) in zip(groups, pairwise(edges), strict=True)
    ]


def _spoken(record: SessionRecord) -> Iterator[Cue]:
    for utterance in record.utterances:
        voice = speaker(utterance.speaker).translate(ENTITIES)
        for text, started, ended in parts(utterance):
            if words := plain(text):
                start = _milliseconds(started)
                # A cue must end after it begins: https://www.w3.org/TR/webvtt1/#webvtt-cue-timings
                yield start, max(_milliseconds(ended), start + 1), f"<v {voice}>{words.translate(ENTITIES)}"


def _in_turn(cues: Iterator[Cue]) -> list[Cue]:
    found: list[Cue] = []
    for start, end, text in sorted(cues, key=lambda cue: cue[0]):
        if found and start < found[-1][1]:
            earlier, until, before = found[-1]
            if start - earlier < _milliseconds(READABLE):
                found[-1] = earlier, max(until, end), f"{before}\n{text}"
                continue
            found[-1] = earlier, start, before
        found.append((start, end, text))
    return found


def _milliseconds(seconds: float) -> int:
    return round(max(seconds, 0.0) * 1000)


def _timestamp(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"
