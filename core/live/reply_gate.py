"""Holds back what the model says until it is known whether the caller has finished.

Two things make a model answer somebody who is still speaking: a flush, which ends the user's turn for the model, and a
pause that was taken for the end. Held are the events of the service themselves: a reply that is let go is then treated
as if it had only now arrived, and one that is lost has never counted as an answer.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from core.events import ReplySuppressed
from core.live.messages import GenerationComplete, ModelAudio, OutputTranscribed, ToolCallReceived, TurnComplete

ModelOutput = ModelAudio | OutputTranscribed | GenerationComplete | TurnComplete | ToolCallReceived
Why = Literal["flush", "premature"]


@dataclass
class ReplyGate:
    """Open, shut, or shut until a time; and beside that, a turn of the model that nobody is to hear."""

    shut: Why | None = None
    _until: float | None = None
    _held: list[ModelOutput] = field(default_factory=list[ModelOutput])
    _lost: Why | None = None  # the rest of the model's turn is thrown away
    _text: str = ""
    _seconds: float = 0.0
    _complete: bool = False  # no more words of the lost turn come, only its end

    @property
    def holding(self) -> bool:
        """Whether a reply is held: words, audio or a call, not merely the end of a turn."""
        return any(isinstance(one, ModelAudio | OutputTranscribed | ToolCallReceived) for one in self._held)

    @property
    def losing(self) -> bool:
        """Whether the model is in a turn that nobody is to hear."""
        return self._lost is not None

    @property
    def wordy(self) -> bool:
        """Whether the text of a reply is held."""
        return any(isinstance(one, OutputTranscribed) for one in self._held)

    def deadline(self) -> float | None:
        """When what is held is to be let go."""
        return self._until

    def close(self, why: Why, until: float | None = None) -> None:
        """Hold what comes from here on, besides what is held."""
        self.shut, self._until = why, until

    def open(self) -> list[ModelOutput]:
        """Let go what is held, in order, and hold nothing more."""
        held, self._held = self._held, []
        self.shut = self._until = None
        return held

    def hold(self, event: ModelOutput) -> None:
        """Keep this until it is known what becomes of it."""
        self._held.append(event)

    def cancel(self, ids: Collection[str]) -> None:
        """The model no longer waits for these calls."""
        self._held = [one for one in self._held if not (isinstance(one, ToolCallReceived) and one.id in ids)]

    def lose(self, why: Why, now: float, *, over: bool = False) -> tuple[list[ReplySuppressed], list[ToolCallReceived]]:
        """Nobody hears what is held, nor what is still to come of that turn, unless the turn is `over`.

        Returns the fact, if the turn is over, and the calls that need an answer all the same.
        """
        found, held = self.holding, self._held
        self._held = []
        if found:
            self._lost = why
            for one in held:
                self._count(one)
        calls = [one for one in held if isinstance(one, ToolCallReceived)]
        ended = over or (found and isinstance(held[-1], TurnComplete))
        return self._ended(now) if ended else [], calls

    def loses(self, event: ModelOutput, now: float) -> tuple[bool, list[ReplySuppressed]]:
        """Whether this belongs to a turn that is lost; and the fact, once that turn is over."""
        if self._lost is None:
            return False, []
        if self._complete and not isinstance(event, GenerationComplete | TurnComplete):
            return False, self._ended(now)  # another turn, and the end of the lost one was never declared
        self._count(event)
        return True, self._ended(now) if isinstance(event, TurnComplete) else []

    def forget(self, now: float) -> list[ReplySuppressed]:
        """The connection is gone, or the call is over: open, and empty."""
        self.open()
        return self._ended(now)

    def _count(self, event: ModelOutput) -> None:
        match event:
            case ModelAudio(pcm, rate):
                self._seconds += len(pcm) / 2 / rate
            case OutputTranscribed(text):
                self._text += text
            case GenerationComplete():
                self._complete = True
            case _:
                pass

    def _ended(self, now: float) -> list[ReplySuppressed]:
        why, text, seconds = self._lost, " ".join(self._text.split()), round(self._seconds, 3)
        self._lost, self._text, self._seconds, self._complete = None, "", 0.0, False
        return [ReplySuppressed(now, why, text, seconds)] if why else []
