"""Scores out of a marked block in the examiner's text: [BAND_SCORES] ... [/BAND_SCORES]."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

from core.events import UtteranceSpoken
from core.scoring.naming import Names
from core.scoring.pairs import Entry, entries
from core.scoring.readings import Injected, Reading, Refused, Stated
from core.scoring.rubric import Rubric
from core.scoring.scale import OffScale
from core.scoring.speaker_text import SpeakerText, broken_off, join_utterances
from core.scoring.structured import CallReader
from core.scoring.values import value_of
from core.scoring.words import CUT, plain

EVIDENCE_SHOWN = 200


class BlockReader:
    """Reads the examiner's blocks; the last one that gives a criterion counts."""

    source = "block"

    def __init__(self, rubric: Rubric) -> None:
        self.rubric = rubric
        self._answers = CallReader(rubric)
        self._names = Names(rubric)
        name = r"[\s_\\-]*".join(rubric.block.split("_"))
        self._mark = re.compile(
            rf"[\[<({{]\s*(?:(?P<close>/|\\(?!_)|end[\s_-]+(?:of[\s_-]+)?)\s*)?{name}\s*(?P<shut>/)?\s*[\])}}>:]",
            re.IGNORECASE,
        )

    def read(self, utterances: Sequence[UtteranceSpoken]) -> list[Reading]:
        """What the examiner's blocks state, and the callers' attempts at a block."""
        out: list[Reading] = []
        copied: list[str] = []
        for utterance in utterances:
            said = plain(utterance.text)
            if utterance.speaker == "caller" and self._mark.search(said):
                out.append(Injected(self.source, shortened(said), utterance.started))
                copied.append(self._bare(said))
        speech = join_utterances(utterances, "examiner")
        latest: dict[str, Reading] = {}
        for start, end in self.spans(speech):
            echo = any(self._bare(speech.text[start:end]) in words for words in copied)
            for reading in self._readings(speech, start, end):
                if echo:
                    reading = Refused(
                        reading.criterion, self.source, "the caller's own words, repeated", "", reading.at
                    )
                if isinstance(reading, Stated) or not isinstance(latest.get(reading.criterion), Stated):
                    latest[reading.criterion] = reading
        return [latest[name] for name in self.rubric.names if name in latest] + out

    def spans(self, speech: SpeakerText) -> list[tuple[int, int]]:
        """Where the contents of the blocks start and end in the text."""
        out: list[tuple[int, int]] = []
        marks = list(self._mark.finditer(speech.text))
        for mark, following in zip(marks, [*marks[1:], None], strict=False):
            if not (mark["close"] or mark["shut"]):
                out.append((mark.end(), self._end(speech, mark, following)))
        return out

    @staticmethod
    def _end(speech: SpeakerText, mark: re.Match[str], following: re.Match[str] | None) -> int:
        """A block ends at the next mark; without one, with the utterance, or the last of those that were broken off."""
        index = speech.index(mark.start())
        while index + 1 < len(speech.starts) and broken_off(speech.utterances[index]):
            index += 1
        end = speech.starts[index + 1] if index + 1 < len(speech.starts) else len(speech.text)
        if following and (following["close"] or following.start() < end):
            return following.start()
        return end

    def _readings(self, speech: SpeakerText, start: int, end: int) -> Iterator[Stated | Refused]:
        parsed = _json(speech.text[start:end])
        if parsed is not None:
            for reading in self._answers.read(parsed, speech.at(start)):
                assert not isinstance(reading, Injected)
                yield replace(
                    reading, source=self.source, evidence=reading.evidence or shortened(speech.text[start:end])
                )
            return
        inside = [token for token in speech.tokens if start <= token.start and token.end <= end and token.text != CUT]
        cut_short = bool(speech.tokens) and speech.tokens[-1].text == CUT
        inside = self._names.put_in(inside, speech.text[start:end], start)
        given: dict[str, Stated | Refused] = {}
        found = entries(inside, self.rubric)
        for entry in found:
            at = speech.at(inside[entry.first].start)
            evidence = shortened(speech.text[inside[entry.named].start : end].split("\n")[0])
            reading = self._reading(entry, evidence, at)
            torn = cut_short and entry.last + 1 == len(inside) and inside[entry.last].end == speech.tokens[-2].end
            if torn and entry.said.isdigit():
                reading = Refused(entry.criterion, self.source, "it was cut off", evidence, at)
            before = given.get(entry.criterion)
            if isinstance(before, Stated) and isinstance(reading, Stated) and before.value != reading.value:
                why = "one block gives it twice, differently"
                reading = Refused(entry.criterion, self.source, why, evidence, at, doubt="conflict")
            given[entry.criterion] = reading
        yield from given.values()

    def _reading(self, entry: Entry, evidence: str, at: float) -> Stated | Refused:
        scale = self.rubric.scale
        if not entry.said:
            return Refused(entry.criterion, self.source, "no value stands behind it", evidence, at)
        try:
            value = value_of(entry.said, scale)
        except OffScale as error:
            return Refused(entry.criterion, self.source, str(error), evidence, at)
        return Stated(entry.criterion, value, self.source, evidence, at, scale.label(value))

    def _bare(self, text: str) -> str:
        return re.sub(r"[\W_]+", "", self._mark.sub("", text).casefold())


def shortened(text: str) -> str:
    """A quote of readable length, without line breaks."""
    short = " ".join(text.split())
    return short if len(short) <= EVIDENCE_SHOWN else short[: EVIDENCE_SHOWN - 1] + "…"


def _json(text: str) -> dict[str, Any] | None:
    """The JSON object in a text; None when there is none, or a broken one."""
    start, end = text.find("{"), text.rfind("}")
    try:
        parsed: object = json.loads(text[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        return None
    return cast(dict[str, Any], parsed) if isinstance(parsed, dict) else None
