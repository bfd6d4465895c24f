"""The idle timeout: nobody speaks, since the candidate has lost the thread, or is gone, or has missed the question."""

from dataclasses import dataclass
from enum import StrEnum

# Prompts without an answer before the call is ended.
MAX_PROMPTS = 2


class IdleAction(StrEnum):
    """What to do when the timeout has passed."""

    PROMPT = "prompt"  # the examiner is to speak up
    END = "end"  # nobody is there


@dataclass
class IdleTimer:
    """Runs while neither side speaks or has to reply; `timeout` in seconds, None for never."""

    timeout: float | None
    thinking: float = 0.0  # seconds that the question allows besides, until the caller has spoken
    _since: float | None = None
    _prompts: int = 0

    def start(self, now: float) -> None:
        """It is the caller's turn to speak, or the model's."""
        self._since = now

    def extend(self, now: float) -> None:
        """Audio was played until now; a timer that runs starts from here."""
        if self._since is not None:
            self._since = now

    def stop(self, *, caller_spoke: bool = False) -> None:
        """Nobody is waited for; `caller_spoke` resets the count of prompts and the time for thinking."""
        self._since = None
        if caller_spoke:
            self._prompts, self.thinking = 0, 0.0

    def deadline(self) -> float | None:
        """When `tick` has something to say."""
        return None if self._since is None or self.timeout is None else self._since + self.timeout + self.thinking

    def tick(self, now: float) -> IdleAction | None:
        """Time has passed."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return None
        self._since = None
        self._prompts += 1
        return IdleAction.END if self._prompts > MAX_PROMPTS else IdleAction.PROMPT
