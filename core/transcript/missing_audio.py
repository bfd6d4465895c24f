"""Audio of the caller that never came: whatever was said in it, the transcript lacks it."""

from dataclasses import dataclass, field, replace

from core.events import TranscriptMeasured, UtteranceSpoken
from core.transcript.values import VoiceSpan

# An utterance ends with the last voice that was detected; what went missing right behind it belongs to it.
_BEHIND = 2.0


@dataclass
class MissingAudio:
    """Absences in the caller's turns in; utterances and the measure of completeness, set right, out."""

    _spans: list[VoiceSpan] = field(default_factory=list[VoiceSpan])
    _seconds: float = 0.0

    def add(self, started: float, ended: float, seconds: float) -> None:
        """Of the caller's turn, `seconds` of audio between `started` and `ended` never came."""
        self._spans.append(VoiceSpan(started, ended))
        self._seconds += seconds

    def marked(self, utterance: UtteranceSpoken) -> UtteranceSpoken:
        """The utterance; partial, if some of its audio never came."""
        if utterance.speaker != "caller" or not any(self._within(span, utterance) for span in self._spans):
            return utterance
        return replace(utterance, partial=True)

    def measured(self, measured: TranscriptMeasured) -> TranscriptMeasured:
        """The measure with the missing seconds counted as voice without words: nobody knows what was said in them."""
        if not self._seconds:
            return measured
        with_words = measured.completeness * measured.voiced
        completeness = round(with_words / (measured.voiced + self._seconds), 3)
        return replace(measured, completeness=completeness, gaps=measured.gaps + len(self._spans))

    def _within(self, span: VoiceSpan, utterance: UtteranceSpoken) -> bool:
        return span.started <= utterance.ended + _BEHIND and utterance.started <= span.ended
