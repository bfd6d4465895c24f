"""The examiner's reply on its way to the caller: begun, played, held back for a check or for its audio, finished."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.audio.pcm import seconds
from core.live.actions import BeginSpeech, Caption, EndSpeech, Play, ReplyOver, Speech
from core.live.context_check import ContextCheck, ContextState
from core.live.playback import Playback
from core.text import truncate

# A turn that is complete with more seconds than this unplayed may still be interrupted: it is over when played.
UNPLAYED = 1.0
# How many seconds later than its audio lasts a reply is over, if no end of playback is reported.
SLACK = 2.0
# Text that ends so is part of a sentence, or of a number: "your speaking is 7", and ".5." to come.
_BREAKS_OFF = re.compile(r"[\w,]\s*$")


@dataclass
class Reply:
    """Output in, speech out: text only together with its audio, and after a reconnect only once the model has shown
    that it has the context.

    `check_timeout` is how many seconds the first words are held back at most; 0 does not look.
    """

    check_timeout: float
    context_check: ContextCheck = field(default_factory=ContextCheck)
    speaking: bool = False  # something of the current reply has been passed on
    playback: Playback = field(default_factory=Playback)
    _held: list[Play | Caption] = field(default_factory=list[Play | Caption])
    _held_until: float | None = None
    _over_at: float | None = None  # the turn is complete, and is over then unless its playback ends before

    @property
    def holding(self) -> bool:
        """Whether output is being held back."""
        return bool(self._held)

    @property
    def generated(self) -> bool:
        """Whether no more of the current reply comes."""
        return self.speaking and self.playback.complete

    @property
    def audible(self) -> bool:
        """Whether audio of the turn that the model is in was passed on: its text need no longer wait for audio."""
        return self.speaking and self._over_at is None

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        return min((at for at in (self._held_until, self._over_at) if at is not None), default=None)

    def tick(self, now: float) -> list[Speech | ReplyOver]:
        """What is held back is released, whatever is known by now; a complete turn is over."""
        actions: list[Speech | ReplyOver] = []
        if self._held_until is not None and now >= self._held_until:
            actions += self.release(now)
        if self._over_at is not None and now >= self._over_at:
            actions += self.finish(now, interrupted=False)
        return actions

    def add(self, output: Play | Caption, now: float) -> tuple[ContextState, list[Speech | ReplyOver]]:
        """The reply goes on with this. LOST: the model has begun the exam anew, and nothing of that was played."""
        self._held.append(output)
        if not self.context_check.checking or self.check_timeout == 0:
            return ContextState.INTACT, self.release(now)
        if self._held_until is None:
            self._held_until = now + self.check_timeout
        is_text = isinstance(output, Caption)
        context = self.context_check.transcribed(output.text) if is_text else ContextState.UNKNOWN
        return context, self.release(now) if context is ContextState.INTACT else []

    def generation_complete(self, now: float) -> tuple[ContextState, list[Speech | ReplyOver]]:
        """The model has generated the whole reply: there is nothing more to go by."""
        if self._held and self.context_check.transcribed("", finished=True) is ContextState.LOST:
            return ContextState.LOST, []
        actions = self.release(now)
        if not self.audible:
            return ContextState.INTACT, actions
        self.playback.complete = True
        return ContextState.INTACT, [*actions, EndSpeech()]

    def add_late_text(self, text: str) -> list[Speech | ReplyOver]:
        """More of the text of the reply that is played, or was played last."""
        if self.speaking:
            self.playback.text += text
            return [Caption(text)]
        self.context_check.played(text.strip())
        return [Caption(text), ReplyOver(interrupted=False)]

    def release(self, now: float) -> list[Speech | ReplyOver]:
        """Pass on what is held back, once there is audio in it."""
        if not self._held:
            return []
        self.context_check.checking, self._held_until = False, None
        if not self.audible and not any(isinstance(one, Play) for one in self._held):
            return []
        held = self._held
        self.drop()
        return self._pass_on(held, now)

    @property
    def silent_text(self) -> str:
        """Text that is held and whose audio has not come."""
        if any(isinstance(one, Play) for one in self._held):
            return ""
        return "".join(one.text for one in self._held if isinstance(one, Caption)).strip()

    def drop_silent_text(self) -> str:
        """Drop text that is held and whose audio has not come; returns it."""
        if text := self.silent_text:
            self.drop()
        return text

    def drop(self) -> None:
        """Discard what is held back."""
        self._held, self._held_until = [], None

    def unplayed(self, now: float) -> tuple[str, float]:
        """The text and the seconds of the current reply that were not played."""
        text, remaining = self.playback.text, self.playback.remaining(now)
        played = truncate(text, self.playback.text_share(self.playback.played_seconds(now)))
        return text[len(played) :].strip(), remaining

    def turn_complete(self, now: float) -> list[Speech | ReplyOver]:
        """The service says that the turn is complete. As long as it is played it may be interrupted."""
        remaining = self.playback.remaining(now)
        if not self.speaking or (remaining <= UNPLAYED and not self._text_breaks_off):
            return self.finish(now, interrupted=False)
        self._over_at = now + remaining + SLACK
        actions: list[Speech | ReplyOver] = [] if self.generated else [EndSpeech()]
        self.playback.complete = True
        return actions

    def played(self, now: float) -> list[Speech | ReplyOver]:
        """All of the reply is played, and no more audio comes; the rest of a sentence that breaks off may."""
        if not self._text_breaks_off:
            return self.finish(now, interrupted=False)
        self._over_at = min(self._over_at or now + SLACK, now + SLACK)
        return []

    @property
    def _text_breaks_off(self) -> bool:
        return _BREAKS_OFF.search(self.playback.text) is not None

    def finish(self, now: float, *, interrupted: bool, connection_lost: bool = False) -> list[Speech | ReplyOver]:
        """The reply is over; with `connection_lost` what was sent of it is played to its end."""
        if not self.speaking:
            return []
        playback = self.playback
        if self.generated and not connection_lost and playback.seconds > 0 and playback.remaining(now) <= 0:
            interrupted = False  # it was played, and had only its text to wait for
        played_share = None
        if interrupted and playback.text.strip():
            played = playback.seconds if connection_lost else playback.played_seconds(now)
            played_share = round(playback.text_share(played), 3)
        actions: list[Speech | ReplyOver] = [] if self.generated else [EndSpeech()]
        # A reply that was lost with its connection is requested once more: its repetition is no loss of context.
        if (text := playback.text.strip()) and not connection_lost:
            self.context_check.played(text)
        self.speaking, self._over_at = False, None
        return [*actions, ReplyOver(interrupted, played_share)]

    def _pass_on(self, speech: Sequence[Play | Caption], now: float) -> list[Speech | ReplyOver]:
        # Another turn begins while the last one is still played: from here on the two cannot be told apart.
        actions = self.finish(now, interrupted=False) if self._over_at is not None else []
        for one in speech:
            if not self.speaking:
                self.speaking, self.playback = True, self.playback.following()
                actions.append(BeginSpeech())
            if isinstance(one, Caption):
                self.playback.text += one.text
            else:
                self.playback.seconds += seconds(one.pcm, one.rate)
            actions.append(one)
        return actions
