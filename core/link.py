"""The life of the Live link: when to dial, with which handle, how long to wait, when to give up.

The machine knows nothing of sockets. It is told what happened, and answers what to do; `deadline` says when it wants
to be asked again. What the model has not answered yet is kept by `Unanswered` and sent again on the next connection.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from core.closes import Verdict
from core.service import Audio, EndActivity, Outgoing, StartActivity, Text, ToolResult


class LinkState(StrEnum):
    """Where the link is."""

    IDLE = "idle"
    DIALING = "dialing"
    LIVE = "live"
    DRAINING = "draining"  # live, but the service has announced the end
    WAITING = "waiting"
    GIVEN_UP = "given up"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a connection; with the handle when there is one."""

    handle: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection that is open. A resume is refused while the old socket is open (aicc2025/sip-to-ai#14)."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No further attempt is made."""

    why: str


LinkAction = Dial | HangUp | GiveUp


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """Seconds before each further attempt, and the limits of every state.

    `backoff` is used up by consecutive failures; a connection that lived `stable` seconds refills it. `long_wait` is
    the delay after a verdict of WAIT. `margin` is how long before an announced end the link moves at the latest.
    """

    backoff: Sequence[float] = (1.0, 2.0, 4.0)
    dial_timeout: float = 15.0
    stable: float = 10.0
    long_wait: float = 15.0
    margin: float = 5.0
    resume: bool = True


@dataclass
class LinkMachine:
    """What happened in, what to do out."""

    policy: LinkPolicy
    state: LinkState = LinkState.IDLE
    _handle: str | None = None
    _failures: int = 0
    _due: float | None = None
    _live_since: float = 0.0
    _why: str = ""

    def start(self, now: float) -> list[LinkAction]:
        """The call begins."""
        return self._dial(now)

    def opened(self, now: float) -> list[LinkAction]:
        """The service has answered setup."""
        self.state, self._live_since, self._due = LinkState.LIVE, now, None
        return []

    def handle(self, handle: str | None) -> None:
        """The service gave a resumption handle. None (not resumable just now) keeps the last good one."""
        # A handle is withdrawn while the model generates; resuming the older one loses only that reply,
        # which the unanswered turn brings about again.
        if handle and self.policy.resume:
            self._handle = handle

    def go_away(self, time_left: float, now: float) -> list[LinkAction]:
        """The service will end this connection."""
        if self.state is LinkState.LIVE:
            self.state = LinkState.DRAINING
            self._due = now + max(0.0, time_left - self.policy.margin)
        return []

    def quiet(self, now: float) -> list[LinkAction]:
        """Nobody is speaking and nothing is pending: a good moment to move."""
        return self._move(now) if self.state is LinkState.DRAINING else []

    def lost(self, verdict: Verdict, why: str, now: float) -> list[LinkAction]:
        """The connection ended, or an attempt failed."""
        if self.state in (LinkState.CLOSED, LinkState.GIVEN_UP):
            return []
        if self.state in (LinkState.LIVE, LinkState.DRAINING) and now - self._live_since >= self.policy.stable:
            self._failures = 0
        self._why = why
        if verdict is Verdict.GIVE_UP or self._failures >= len(self.policy.backoff):
            return self._give_up(why)
        if verdict is Verdict.FRESH:
            self._handle = None
        delay = self.policy.long_wait if verdict is Verdict.WAIT else self.policy.backoff[self._failures]
        self._failures += 1
        self.state, self._due = LinkState.WAITING, now + delay
        return []

    def close(self, now: float) -> list[LinkAction]:
        """The call is over."""
        was, self.state, self._due = self.state, LinkState.CLOSED, None
        return [HangUp()] if was in (LinkState.DIALING, LinkState.LIVE, LinkState.DRAINING) else []

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        return self._due

    def tick(self, now: float) -> list[LinkAction]:
        """Time has passed."""
        if self._due is None or now < self._due:
            return []
        self._due = None
        if self.state is LinkState.WAITING:
            return self._dial(now)
        if self.state is LinkState.DRAINING:
            return self._move(now)
        # Dialing: setup was never answered.
        return [HangUp(), *self.lost(Verdict.RESUME, "the service did not answer setup in time", now)]

    def _dial(self, now: float) -> list[LinkAction]:
        self.state, self._due = LinkState.DIALING, now + self.policy.dial_timeout
        return [Dial(self._handle, self._failures + 1)]

    def _move(self, now: float) -> list[LinkAction]:
        return [HangUp(), *self._dial(now)]

    def _give_up(self, why: str) -> list[LinkAction]:
        self.state, self._due = LinkState.GIVEN_UP, None
        return [GiveUp(why)]


@dataclass
class Unanswered:
    """What was sent since the model last began an answer; sent again when the connection changes.

    `limit` is in seconds of audio. Past it the oldest audio goes: a turn that long has been flushed, so the service
    has transcribed its beginning.
    """

    limit: float = 120.0
    dropped: float = 0.0
    _items: list[Outgoing] = field(default_factory=list[Outgoing])
    _seconds: float = 0.0

    def sent(self, item: Outgoing) -> None:
        """Keep what goes to the service."""
        if isinstance(item, ToolResult):
            return  # a resumed session does not know the call (pipecat-ai/pipecat#5497)
        self._items.append(item)
        if isinstance(item, Audio):
            self._seconds += _seconds(item)
            while self._seconds > self.limit:
                self._drop_oldest_audio()

    def answered(self) -> None:
        """The model has begun to answer all that was finished; an open window is still unanswered."""
        last = max((n for n, item in enumerate(self._items) if isinstance(item, EndActivity | Text)), default=-1)
        self._items = self._items[last + 1 :]
        self._seconds = sum(_seconds(item) for item in self._items if isinstance(item, Audio))

    @property
    def pending(self) -> bool:
        """Whether the model owes an answer."""
        return bool(self._items)

    def again(self) -> list[Outgoing]:
        """What the next connection has to hear first. A flush has no meaning there: one turn is one window."""
        items = list(self._items)
        for n in range(len(items) - 2, -1, -1):
            if isinstance(items[n], EndActivity) and isinstance(items[n + 1], StartActivity):
                del items[n : n + 2]
        return items

    def _drop_oldest_audio(self) -> None:
        index = next(n for n, item in enumerate(self._items) if isinstance(item, Audio))
        audio = self._items.pop(index)
        assert isinstance(audio, Audio)
        self._seconds -= _seconds(audio)
        self.dropped += _seconds(audio)


def _seconds(audio: Audio) -> float:
    return len(audio.pcm) / 2 / audio.rate
