"""The examiner's reply on its way to the caller: begun, let through, held back for a check, finished."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.live_actions import BeginSpeech, Caption, EndSpeech, Play, ReplyOver, Speech
from core.memory import MemoryCheck, Recall


@dataclass
class Replies:
    """Speech in, speech out; after a reconnect only once the model has shown that it knows the exam.

    `check` is how many seconds the first words are held back at most; 0 does not look.
    """

    check: float
    memory: MemoryCheck = field(default_factory=MemoryCheck)
    speaking: bool = False  # something of the current reply has been let through
    generated: bool = False  # and no more of it will come
    _text: list[str] = field(default_factory=list[str])
    _held: list[Play | Caption] = field(default_factory=list[Play | Caption])
    _held_until: float | None = None

    @property
    def holding(self) -> bool:
        """Whether words are being held back."""
        return bool(self._held)

    def deadline(self) -> float | None:
        """When what is held back is to be released, whatever is known by then."""
        return self._held_until

    def say(self, what: Play | Caption, now: float) -> tuple[Recall, list[Speech]]:
        """A piece of the reply. LOST: the model has begun the exam anew, and nobody has heard it."""
        if not self.memory.checking or self.check == 0:
            return Recall.KEPT, self._let_through([what])
        self._held.append(what)
        if self._held_until is None:
            self._held_until = now + self.check
        recall = self.memory.speaking(what.text) if isinstance(what, Caption) else Recall.UNKNOWN
        return recall, self.release() if recall is Recall.KEPT else []

    def complete(self) -> tuple[Recall, list[Speech]]:
        """The model has produced the whole reply: what it has shown by now is all there is to go by."""
        if self._held and self.memory.speaking("", finished=True) is Recall.LOST:
            return Recall.LOST, []
        actions = self.release()
        self.generated = self.speaking
        return Recall.KEPT, [*actions, EndSpeech()] if self.speaking else actions

    def release(self) -> list[Speech]:
        """Let through what is held back."""
        if not self._held:
            return []
        held = self._held
        self.drop()
        self.memory.checking = False
        return self._let_through(held)

    def drop(self) -> None:
        """What is held back is never heard."""
        self._held, self._held_until = [], None

    def finish(self, *, interrupted: bool, dropped: bool = False) -> list[Speech | ReplyOver]:
        """The reply is over; `dropped` when its connection is gone."""
        if not self.speaking:
            return []
        actions: list[Speech | ReplyOver] = [] if self.generated else [EndSpeech()]
        # A reply that went down with its connection is asked for again: saying it twice is not forgetting.
        if (text := "".join(self._text).strip()) and not dropped:
            self.memory.said(text)
        self.speaking = self.generated = False
        return [*actions, ReplyOver(interrupted)]

    def _let_through(self, speech: Sequence[Play | Caption]) -> list[Speech]:
        actions: list[Speech] = []
        for one in speech:
            if not self.speaking:
                self.speaking, self.generated = True, False
                self._text.clear()
                actions.append(BeginSpeech())
            if isinstance(one, Caption):
                self._text.append(one.text)
            actions.append(one)
        return actions
