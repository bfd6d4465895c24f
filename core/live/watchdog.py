"""Is the model late? Watches a model that has fallen silent, and says when to do what about it."""

from dataclasses import dataclass
from enum import StrEnum


class Alarm(StrEnum):
    """What to do about a model that does not go on."""

    NUDGE = "nudge"  # ask it to go on
    RECONNECT = "reconnect"  # this connection is dead though its socket is open
    COMPLETE = "complete"  # treat the reply as complete, whether or not turnComplete comes


@dataclass(frozen=True, slots=True)
class WatchdogPolicy:
    """Timeouts in seconds: for a reply to begin, for one to begin after a nudge, for one to begin after an empty turn
    of the model (seen on 3.1: google-gemini/gemini-live-api-examples#37), for a reply that has begun to go on, and for
    the turnComplete of a reply that is generated and played.

    `nudged` is short: a model that is there has had `reply` seconds to think and answers the second request as it
    answers any, in a second or two; one that has frozen answers neither, and the caller has been waiting all along.
    """

    reply: float = 10.0
    nudged: float = 4.0
    empty_turn: float = 2.5
    stall: float = 8.0
    turn_complete: float = 5.0


class Watchdog:
    """Which output the model is expected to send, and by when."""

    def __init__(self, policy: WatchdogPolicy) -> None:
        self._policy = policy
        self._awaiting_since: float | None = None  # a reply is expected since
        self._nudged = False
        self._last_output_at: float | None = None  # of the reply that is under way
        self._plays_until = 0.0  # when the audio that has come will have been played
        self._generated = False

    def await_reply(self, now: float) -> None:
        """The user's turn is over: a reply is expected, unless one is under way."""
        if self._last_output_at is None:
            self._awaiting_since, self._nudged = now, False

    def on_output(self, now: float, audio: float = 0.0) -> None:
        """Some output of a reply came, with that many seconds of audio."""
        self._awaiting_since = None
        if self._last_output_at is None:
            self._generated, self._plays_until = False, now
        self._last_output_at = now
        self._plays_until = max(self._plays_until, now) + audio

    def generation_complete(self, now: float) -> None:
        """The reply is complete and only has to be played. Without any output it is none, and still expected."""
        if self._last_output_at is not None:
            self._generated, self._plays_until = True, max(self._plays_until, now)

    def empty_turn(self, now: float) -> None:
        """The model has ended its turn without output: the reply that is expected will hardly come by itself."""
        if self._awaiting_since is not None:
            wait = self._policy.nudged if self._nudged else self._policy.reply
            self._awaiting_since = min(self._awaiting_since, now + self._policy.empty_turn - wait)

    def turn_without_audio(self, now: float) -> Alarm:
        """The model has ended its turn with text and no audio. Returns what to do: NUDGE, then RECONNECT."""
        if self._nudged:
            self.stop()
            return Alarm.RECONNECT
        self._awaiting_since, self._nudged = now, True
        return Alarm.NUDGE

    @property
    def awaiting_reply(self) -> bool:
        """Whether a reply is expected of which nothing has come."""
        return self._awaiting_since is not None

    def stop(self) -> None:
        """Expect nothing: the turn is over, the caller speaks, a function runs, or there is no connection."""
        self._awaiting_since = self._last_output_at = None
        self._nudged = self._generated = False

    def deadline(self) -> float | None:
        """When `tick` has something to say."""
        if self._awaiting_since is not None:
            return self._awaiting_since + (self._policy.nudged if self._nudged else self._policy.reply)
        if self._last_output_at is None:
            return None
        return self._plays_until + (self._policy.turn_complete if self._generated else self._policy.stall)

    def tick(self, now: float) -> Alarm | None:
        """Time has passed."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return None
        if self._awaiting_since is not None and not self._nudged:
            self._nudged, self._awaiting_since = True, now
            return Alarm.NUDGE
        alarm = Alarm.COMPLETE if self._generated else Alarm.RECONNECT
        self.stop()
        return alarm
