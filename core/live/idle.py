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
    _away_since: float | None = None  # no audio comes from the caller: they would hardly hear a prompt

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

    def pause(self, since: float) -> None:
        """The caller has been away since then. They are not prompted, and waited for as long as if they were."""
        self._away_since = since

    def resume(self, now: float) -> None:
        """The caller is back; a timer that runs starts from here."""
        self._away_since = None
        self.extend(now)

    def deadline(self) -> float | None:
        """When `tick` has something to say."""
        if self.timeout is None:
            return None
        if self._away_since is not None:
            return self._away_since + self.timeout * (MAX_PROMPTS + 1)
        return None if self._since is None else self._since + self.timeout + self.thinking

    def tick(self, now: float) -> IdleAction | None:
        """Time has passed."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return None
        if self._away_since is not None:
            self._away_since = self._since = None
            return IdleAction.END
        self._since = None
        self._prompts += 1
        return IdleAction.END if self._prompts > MAX_PROMPTS else IdleAction.PROMPT
