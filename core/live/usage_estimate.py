"""Estimates the audio tokens of a conversation, for usage messages that leave the details out or never come."""

from dataclasses import dataclass

from core.billing.usage import AUDIO_TOKENS_PER_SECOND, TokenCounts
from core.live.actions import Charge


@dataclass
class UsageEstimate:
    """Seconds of audio in the model's context, both sides, and of the reply since the last usage message.

    `text_tokens` is about how many tokens of text every turn is billed for besides: the instructions.
    """

    text_tokens: int = 0
    _context_seconds: float = 0.0
    _reply_seconds: float = 0.0
    _reported: bool = False  # the turn that is under way has a usage message
    _estimate: Charge | None = None  # what the last turn is charged if no message comes for it

    def caller_audio(self, seconds: float) -> None:
        """So much of the caller's audio was sent to the model."""
        self._context_seconds += seconds

    def model_audio(self, seconds: float) -> None:
        """The model has generated so much audio, whether it is played or not."""
        self._context_seconds += seconds
        self._reply_seconds += seconds

    def charge(self, counts: TokenCounts) -> Charge:
        """The charge for one usage message."""
        self._reported = self._estimate is None  # else it is the last turn's, which was over already
        self._estimate = None
        return self._charge(counts)

    def turn_complete(self) -> list[Charge]:
        """The model has ended its turn; one before it for which no message came is charged as it is estimated."""
        charges = self.finish()
        if not self._reported:
            context, reply = self._tokens()
            self._estimate = self._charge(TokenCounts(prompt_total=self.text_tokens + context, response_total=reply))
        self._reported = False
        return charges

    def finish(self) -> list[Charge]:
        """The estimated charge for the last turn, if no usage message came for it: none will come any more."""
        estimate, self._estimate = self._estimate, None
        return [estimate] if estimate else []

    def _charge(self, counts: TokenCounts) -> Charge:
        context, reply = self._tokens()
        self._reply_seconds = 0.0
        return Charge(counts, context, reply)

    def _tokens(self) -> tuple[int, int]:
        return round(self._context_seconds * AUDIO_TOKENS_PER_SECOND), round(
            self._reply_seconds * AUDIO_TOKENS_PER_SECOND
        )
