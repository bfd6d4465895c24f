"""Is the examiner late? Watches a model that has fallen silent, and says when to do what about it."""

from dataclasses import dataclass
from enum import StrEnum


class Alarm(StrEnum):
    """What to do about a model that does not go on."""

    NUDGE = "nudge"  # ask it to go on
    RECONNECT = "reconnect"  # this connection is dead though its socket is open
    SETTLE = "settle"  # the reply is over, whatever the service says or does not say


@dataclass(frozen=True, slots=True)
class WatchPolicy:
    """Seconds to wait: for a reply to begin, for one to begin once it was asked for a second time, for one to begin
    after an empty turn of the model (seen on 3.1: google-gemini/gemini-live-api-examples#37), for words to be spoken,
    for a finished reply to be declared over.

    `nudged` is short: a model that is there has had `reply` seconds to think and answers the second request as it
    answers any, in a second or two; one that has frozen answers neither, and the caller has been waiting all along.
    """

    reply: float = 10.0
    nudged: float = 4.0
    empty: float = 2.5
    stall: float = 8.0
    done: float = 5.0


class Watchdog:
    """What the model owes, and by when."""

    def __init__(self, policy: WatchPolicy) -> None:
        self._policy = policy
        self._asked_at: float | None = None  # a reply is due since
        self._nudged = False
        self._said_at: float | None = None  # something of a reply came last at
        self._plays_until = 0.0  # when the audio that has come will have been heard
        self._generated = False

    def asked(self, now: float) -> None:
        """The user's turn is over: a reply is due."""
        if self._said_at is None:
            self._asked_at, self._nudged = now, False

    def said(self, now: float, audio: float = 0.0) -> None:
        """Something of a reply came, with that many seconds of audio."""
        self._asked_at = None
        if self._said_at is None:
            self._generated, self._plays_until = False, now
        self._said_at = now
        self._plays_until = max(self._plays_until, now) + audio

    def generated(self, now: float) -> None:
        """The reply is complete; only its playing goes on. Without a word so far it is not one, and still due."""
        if self._said_at is not None:
            self._generated, self._plays_until = True, max(self._plays_until, now)

    def hurry(self, now: float) -> None:
        """The model has ended its turn without a word: what is due will hardly come by itself."""
        if self._asked_at is not None:
            wait = self._policy.nudged if self._nudged else self._policy.reply
            self._asked_at = min(self._asked_at, now + self._policy.empty - wait)

    def muted(self, now: float) -> Alarm:
        """The model has ended its turn, and not a sound came with its words: what to do about that, from now on."""
        if self._nudged:
            self.rest()
            return Alarm.RECONNECT
        self._asked_at, self._nudged = now, True
        return Alarm.NUDGE

    @property
    def waits_for_reply(self) -> bool:
        """Whether a reply is due of which nothing has come."""
        return self._asked_at is not None

    def rest(self) -> None:
        """Nothing is owed: the turn is over, the caller speaks, a function runs, or there is no connection."""
        self._asked_at = self._said_at = None
        self._nudged = self._generated = False

    def deadline(self) -> float | None:
        """When `tick` has something to say."""
        if self._asked_at is not None:
            return self._asked_at + (self._policy.nudged if self._nudged else self._policy.reply)
        if self._said_at is None:
            return None
        return self._plays_until + (self._policy.done if self._generated else self._policy.stall)

    def tick(self, now: float) -> Alarm | None:
        """Time has passed."""
        due = self.deadline()
        if due is None or now < due:
            return None
        if self._asked_at is not None and not self._nudged:
            self._nudged, self._asked_at = True, now
            return Alarm.NUDGE
        alarm = Alarm.SETTLE if self._generated else Alarm.RECONNECT
        self.rest()
        return alarm
