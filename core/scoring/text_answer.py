"""Scores out of the fallback text model's answer, each with a quote that the candidate really said."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.events import UtteranceSpoken
from core.scoring.evidence import CandidateWords
from core.scoring.readings import Injected, Reading, Refused, Stated
from core.scoring.rubric import Rubric
from core.scoring.spoken_scores import SpeechReader
from core.scoring.structured import CallReader


class TextReader:
    """Reads the text model's answer about what was said; a value without the candidate's own words is refused."""

    source = "text"

    def __init__(self, rubric: Rubric, said: Iterable[UtteranceSpoken]) -> None:
        self._answers = CallReader(rubric, self.source)
        self._speech = SpeechReader(rubric)
        self._candidate = CandidateWords(said)

    def read(self, answer: Mapping[str, Any], at: float) -> list[Reading]:
        """What the answer states, at most one reading a criterion, in the rubric's order."""
        return [self._held(reading) for reading in self._answers.read(answer, at)]

    def _held(self, reading: Reading) -> Reading:
        if not isinstance(reading, Stated):
            return reading
        why = self._objection(reading.evidence, reading.at)
        return Refused(reading.criterion, self.source, why, reading.evidence, reading.at) if why else reading

    def _objection(self, quote: str, at: float) -> str:
        if not quote.strip():
            return "no evidence is quoted for it"
        if why := self._candidate.missing(quote):
            return why
        # Words with which a candidate claims a score show nothing of what they can do.
        claims = self._speech.read([UtteranceSpoken(at, "caller", quote, at, at)])
        return "what is quoted for it only claims a score" if any(isinstance(one, Injected) for one in claims) else ""
