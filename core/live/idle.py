"""Silence of everybody: the candidate has lost the thread, or is gone, or did not hear the question."""

from dataclasses import dataclass
from enum import StrEnum

# Prompts without an answer before the call is ended.
MOST_PROMPTS = 2


class IdleAction(StrEnum):
    """What to do about it."""

    PROMPT = "prompt"  # the examiner is to speak up
    END = "end"  # nobody is there


@dataclass
class IdleTimer:
    """`limit` seconds in which nothing is owed and nobody speaks; None waits for ever."""

    limit: float | None
    thinking: float = 0.0  # ... besides these, until the caller has spoken
    _since: float | None = None
    _prompts: int = 0

    def wait(self, now: float) -> None:
        """It is the caller's turn to speak, or the model's."""
        self._since = now

    def extend(self, now: float) -> None:
        """Somebody was heard until now; whoever was waited for is waited for from here."""
        if self._since is not None:
            self._since = now

    def stop(self, *, heard: bool = False) -> None:
        """Nobody is waited for; `heard` when the caller has spoken, which makes up for earlier prompts."""
        self._since = None
        if heard:
            self._prompts, self.thinking = 0, 0.0

    def deadline(self) -> float | None:
        """When `tick` has something to say."""
        return None if self._since is None or self.limit is None else self._since + self.limit + self.thinking

    def tick(self, now: float) -> IdleAction | None:
        """Time has passed."""
        due = self.deadline()
        if due is None or now < due:
            return None
        self._since = None
        self._prompts += 1
        return IdleAction.END if self._prompts > MOST_PROMPTS else IdleAction.PROMPT
