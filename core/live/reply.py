"""The examiner's reply on its way to the caller: begun, let through, held back for a check or a sound, finished."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.live.actions import BeginSpeech, Caption, EndSpeech, Play, ReplyOver, Speech
from core.live.context_check import ContextCheck, ContextState
from core.live.playback import Playback
from core.text import cut

# A turn whose end is declared with more seconds than this unheard may still be interrupted: it is over when heard.
UNHEARD = 1.0
# How much later than its audio lasts a reply is over, if nobody says that it was played.
SLACK = 2.0


@dataclass
class Reply:
    """Speech in, speech out; words only with their sound, and after a reconnect only once the model has shown that it
    knows the exam.

    `check` is how many seconds the first words are held back at most; 0 does not look.
    """

    check: float
    memory: ContextCheck = field(default_factory=ContextCheck)
    speaking: bool = False  # something of the current reply has been let through
    spoken: Playback = field(default_factory=Playback)
    _held: list[Play | Caption] = field(default_factory=list[Play | Caption])
    _held_until: float | None = None
    _over_by: float | None = None  # the turn was declared over, and is still being heard

    @property
    def holding(self) -> bool:
        """Whether words are being held back."""
        return bool(self._held)

    @property
    def generated(self) -> bool:
        """Whether no more of the current reply comes."""
        return self.speaking and self.spoken.complete

    @property
    def sounding(self) -> bool:
        """Whether the turn that the model is in can be heard: its words need no longer wait for their sound."""
        return self.speaking and self._over_by is None

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        return min((at for at in (self._held_until, self._over_by) if at is not None), default=None)

    def tick(self, now: float) -> list[Speech | ReplyOver]:
        """What is held back is released, whatever is known by now; what was declared over is over."""
        actions: list[Speech | ReplyOver] = []
        if self._held_until is not None and now >= self._held_until:
            actions += self.release(now)
        if self._over_by is not None and now >= self._over_by:
            actions += self.finish(now, interrupted=False)
        return actions

    def say(self, what: Play | Caption, now: float) -> tuple[ContextState, list[Speech | ReplyOver]]:
        """A piece of the reply. LOST: the model has begun the exam anew, and nobody has heard it."""
        self._held.append(what)
        if not self.memory.checking or self.check == 0:
            return ContextState.KEPT, self.release(now)
        if self._held_until is None:
            self._held_until = now + self.check
        recall = self.memory.speaking(what.text) if isinstance(what, Caption) else ContextState.UNKNOWN
        return recall, self.release(now) if recall is ContextState.KEPT else []

    def complete(self, now: float) -> tuple[ContextState, list[Speech | ReplyOver]]:
        """The model has produced the whole reply: what it has shown by now is all there is to go by."""
        if self._held and self.memory.speaking("", finished=True) is ContextState.LOST:
            return ContextState.LOST, []
        actions = self.release(now)
        if not self.sounding:
            return ContextState.KEPT, actions
        self.spoken.complete = True
        return ContextState.KEPT, [*actions, EndSpeech()]

    def release(self, now: float) -> list[Speech | ReplyOver]:
        """Let through what is held back, once there is sound in it: words alone are not heard."""
        if not self._held:
            return []
        self.memory.checking, self._held_until = False, None
        if not self.sounding and not any(isinstance(one, Play) for one in self._held):
            return []
        held = self._held
        self.drop()
        return self._let_through(held, now)

    def mute(self) -> str:
        """The words whose sound has not come: they are not held any longer, and were never heard."""
        if any(isinstance(one, Play) for one in self._held):
            return ""
        text = "".join(one.text for one in self._held if isinstance(one, Caption))
        self.drop()
        return text.strip()

    def drop(self) -> None:
        """What is held back is never heard."""
        self._held, self._held_until = [], None

    def unheard(self, now: float) -> tuple[str, float]:
        """The words and the seconds of the current reply that the caller has not heard."""
        text, left = self.spoken.text, self.spoken.left(now)
        return text[len(cut(text, self.spoken.share(self.spoken.heard(now)))) :].strip(), left

    def declared_over(self, now: float) -> list[Speech | ReplyOver]:
        """The service says that the turn is over. Whoever still hears it may interrupt it."""
        if not self.speaking or (left := self.spoken.left(now)) <= UNHEARD:
            return self.finish(now, interrupted=False)
        self._over_by = now + left + SLACK
        actions: list[Speech | ReplyOver] = [] if self.generated else [EndSpeech()]
        self.spoken.complete = True
        return actions

    def finish(self, now: float, *, interrupted: bool, dropped: bool = False) -> list[Speech | ReplyOver]:
        """The reply is over; `dropped` when its connection is gone: what was sent of it is heard to its end."""
        if not self.speaking:
            return []
        spoken = self.spoken
        heard = None
        if interrupted and spoken.text.strip():
            heard = round(spoken.share(spoken.seconds if dropped else spoken.heard(now)), 3)
        actions: list[Speech | ReplyOver] = [] if self.generated else [EndSpeech()]
        # A reply that went down with its connection is asked for again: saying it twice is not forgetting.
        if (text := spoken.text.strip()) and not dropped:
            self.memory.said(text)
        self.speaking, self._over_by = False, None
        return [*actions, ReplyOver(interrupted, heard)]

    def _let_through(self, speech: Sequence[Play | Caption], now: float) -> list[Speech | ReplyOver]:
        # Another turn begins while the last one is still being heard: from here on that one cannot be told apart.
        actions = self.finish(now, interrupted=False) if self._over_by is not None else []
        for one in speech:
            if not self.speaking:
                self.speaking, self.spoken = True, self.spoken.following()
                actions.append(BeginSpeech())
            if isinstance(one, Caption):
                self.spoken.text += one.text
            else:
                self.spoken.seconds += len(one.pcm) / 2 / one.rate
            actions.append(one)
        return actions
