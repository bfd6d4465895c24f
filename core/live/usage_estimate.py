"""What the audio of a conversation weighs, for usage messages that leave the details out or never come."""

from dataclasses import dataclass

from core.billing.usage import AUDIO_TOKENS_PER_SECOND, TokenCounts
from core.live.actions import Charge


@dataclass
class UsageEstimate:
    """Seconds of audio in the model's context, both sides, and of the reply since the last usage message.

    `text` is about how many tokens of text every turn is billed for besides: the instructions.
    """

    text: int = 0
    _context: float = 0.0
    _reply: float = 0.0
    _counted: bool = False  # the turn that is under way has a usage message
    _uncounted: Charge | None = None  # what the last turn is charged if no message comes for it

    def heard(self, seconds: float) -> None:
        """The caller was sent on."""
        self._context += seconds

    def spoken(self, seconds: float) -> None:
        """The model spoke, whether anybody heard it or not."""
        self._context += seconds
        self._reply += seconds

    def charge(self, counts: TokenCounts) -> Charge:
        """The charge for one usage message."""
        self._counted = self._uncounted is None  # else it is the last turn's, which was over already
        self._uncounted = None
        return self._charge(counts)

    def turn_over(self) -> list[Charge]:
        """The model has ended its turn; one before it for which no message came is charged as it is estimated."""
        charges = self.settle()
        if not self._counted:
            context, reply = self._tokens()
            self._uncounted = self._charge(TokenCounts(prompt_total=self.text + context, response_total=reply))
        self._counted = False
        return charges

    def settle(self) -> list[Charge]:
        """No message will come any more for a turn that is over."""
        owed, self._uncounted = self._uncounted, None
        return [owed] if owed else []

    def _charge(self, counts: TokenCounts) -> Charge:
        context, reply = self._tokens()
        self._reply = 0.0
        return Charge(counts, context, reply)

    def _tokens(self) -> tuple[int, int]:
        return round(self._context * AUDIO_TOKENS_PER_SECOND), round(self._reply * AUDIO_TOKENS_PER_SECOND)
