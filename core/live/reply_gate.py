"""Holds back a reply that a flush or a pause provoked, until it is known whether the caller has finished.

Two things make a model reply to somebody who is still speaking: a flush, which ends the user's turn for the model, and
a pause that was taken for the end of the turn. What is held are the service's messages themselves: a reply that is
released is then treated as if it had only now arrived, and one that is suppressed has never counted as an answer.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from core.audio import pcm
from core.events import ReplySuppressed
from core.live.messages import GenerationComplete, ModelAudio, OutputTranscribed, ToolCallReceived, TurnComplete

ModelOutput = ModelAudio | OutputTranscribed | GenerationComplete | TurnComplete | ToolCallReceived
Why = Literal["flush", "premature"]


@dataclass
class ReplyGate:
    """Open, closed, or closed until a time; besides, it discards the rest of a turn that is suppressed."""

    closed_for: Why | None = None
    _until: float | None = None
    _held: list[ModelOutput] = field(default_factory=list[ModelOutput])
    _suppressed_for: Why | None = None  # the rest of the model's turn is discarded
    _text: str = ""  # of the suppressed turn
    _seconds: float = 0.0  # of audio in the suppressed turn
    _generation_complete: bool = False  # no more output of the suppressed turn comes, only its turnComplete

    @property
    def holding(self) -> bool:
        """Whether a reply is held: text, audio or a function call, not merely the end of a turn."""
        return any(isinstance(one, ModelAudio | OutputTranscribed | ToolCallReceived) for one in self._held)

    @property
    def suppressing(self) -> bool:
        """Whether the model is in a turn that is suppressed."""
        return self._suppressed_for is not None

    @property
    def holds_text(self) -> bool:
        """Whether the text of a reply is held."""
        return any(isinstance(one, OutputTranscribed) for one in self._held)

    def deadline(self) -> float | None:
        """When what is held is to be released."""
        return self._until

    def close(self, why: Why, until: float | None = None) -> None:
        """Hold what comes from here on, besides what is held; `until` is the deadline to release it, None for none."""
        self.closed_for, self._until = why, until

    def open(self) -> list[ModelOutput]:
        """Release what is held, in order, and hold nothing more."""
        held, self._held = self._held, []
        self.closed_for = self._until = None
        return held

    def hold(self, output: ModelOutput) -> None:
        """Hold this message."""
        self._held.append(output)

    def cancel(self, ids: Collection[str]) -> None:
        """The model no longer waits for these function calls."""
        self._held = [one for one in self._held if not (isinstance(one, ToolCallReceived) and one.id in ids)]

    def suppress(
        self, why: Why, now: float, *, over: bool = False
    ) -> tuple[list[ReplySuppressed], list[ToolCallReceived]]:
        """Discard what is held, and what is still to come of that turn, unless the turn is `over`.

        Returns the event, if the turn is over, and the function calls that need a result all the same.
        """
        found, held = self.holding, self._held
        self._held = []
        if found:
            self._suppressed_for = why
            for one in held:
                self._measure(one)
        calls = [one for one in held if isinstance(one, ToolCallReceived)]
        ended = over or (found and isinstance(held[-1], TurnComplete))
        return self._ended(now) if ended else [], calls

    def suppresses(self, output: ModelOutput, now: float) -> tuple[bool, list[ReplySuppressed]]:
        """Whether this belongs to a turn that is suppressed; and the event, once that turn is over."""
        if self._suppressed_for is None:
            return False, []
        if self._generation_complete and not isinstance(output, GenerationComplete | TurnComplete):
            return False, self._ended(now)  # another turn, though turnComplete of the suppressed one never came
        self._measure(output)
        return True, self._ended(now) if isinstance(output, TurnComplete) else []

    def reset(self, now: float) -> list[ReplySuppressed]:
        """The connection is gone, or the call is over: open, and hold nothing."""
        self.open()
        return self._ended(now)

    def _measure(self, output: ModelOutput) -> None:
        match output:
            case ModelAudio(audio, rate):
                self._seconds += pcm.seconds(audio, rate)
            case OutputTranscribed(text):
                self._text += text
            case GenerationComplete():
                self._generation_complete = True
            case _:
                pass

    def _ended(self, now: float) -> list[ReplySuppressed]:
        why, text, seconds = self._suppressed_for, " ".join(self._text.split()), round(self._seconds, 3)
        self._suppressed_for, self._text, self._seconds, self._generation_complete = None, "", 0.0, False
        return [ReplySuppressed(now, why, text, seconds)] if why else []
