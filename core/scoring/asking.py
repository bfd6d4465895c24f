"""When the examiner is asked for scores, and when the exam ends without the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

# Values in one breath that show that scores are being given although the plan does not expect them yet. One may be a
# misheard "six for me".
CLEARLY_SCORES = 2


@dataclass(frozen=True, slots=True)
class AskingPolicy:
    """Seconds of silence of both sides until something is done, and how often missing scores are requested.

    `score_timeout`: after the examiner has spoken. `reply_timeout`: while its reply is pending. `farewell`: once all
    scores have been reported. `closing`: after that time from the last score the exam ends whoever still speaks.
    """

    score_timeout: float = 6.0
    reply_timeout: float = 20.0
    farewell: float = 2.5
    max_requests: int = 2
    closing: float = 45.0


@dataclass(frozen=True, slots=True)
class AskScores:
    """Ask the examiner, by name, for the criteria it has left out."""

    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskCall:
    """All has been said: ask for the function."""


@dataclass(frozen=True, slots=True)
class SayGoodbye:
    """The examiner does not complete its scores: let it say goodbye, so that the call does not end in silence."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing more is to be had from the examiner."""


Action = AskScores | AskCall | SayGoodbye | Finish


@dataclass
class AskingMachine:
    """Takes the state of the scores, who is speaking, and time; answers with what to ask of the examiner.

    `expected` is what the exam plan says of the scores: None without a plan, then they begin with the first one.
    """

    policy: AskingPolicy
    expected: bool | None = None
    _begun: bool = False
    _missing: tuple[str, ...] = ()
    _called: bool = False
    _asked: int = 0
    _call_asked: bool = False
    _refused: bool = False
    _stranded: bool = False  # a call was refused, and nobody has said anything since
    _closing: bool = False
    _finished: bool = False
    _reply_pending: bool = False  # the examiner is to reply and has not begun
    _replying: bool = False
    _playing: bool = False
    _caller: bool = False
    _quiet_since: float = 0.0
    _complete_since: float | None = None  # all scores are known, and the plan expects nothing else

    @property
    def scoring(self) -> bool:
        """Whether scores are expected, or have begun to come."""
        return self._begun or bool(self.expected)

    def scores_expected(self, expected: bool, missing: Sequence[str], now: float) -> None:
        """The plan expects scores from here on, or not yet; these criteria are missing."""
        self._missing = tuple(missing)
        if expected and not self.expected:
            self._quiet_since = now
        self.expected = expected
        self._note_complete(now)

    def examiner_said(self, stated: int, missing: Sequence[str], now: float) -> None:
        """The examiner's last utterance states so many criteria; of all of them these are still missing."""
        self._missing = tuple(missing)
        if stated >= (CLEARLY_SCORES if self.expected is False else 1) and not self._begun:
            self._begun, self._quiet_since = True, now
        self._note_complete(now)

    def takes_call(self, stated: int) -> bool:
        """Whether the function may be called now. Before its time it is refused, once: a second call is accepted."""
        if self.expected is False and not self._begun and stated < CLEARLY_SCORES and not self._refused:
            self._refused = self._stranded = True
            return False
        return True

    def called(self, missing: Sequence[str], now: float) -> None:
        """The function was called, and these criteria are still missing."""
        self._missing = tuple(missing)
        self._begun = self._called = True
        self._reply_pending, self._quiet_since = False, now
        self._note_complete(now)

    def examiner_replies(self, replying: bool, now: float) -> None:
        """The model has begun, or finished, to produce a reply."""
        self._replying, self._quiet_since = replying, now
        self._reply_pending = self._reply_pending and not replying

    def examiner_plays(self, playing: bool, now: float) -> None:
        """Playback of the examiner to the caller has begun, or stopped."""
        self._playing, self._quiet_since = playing, now

    def caller_speaks(self, speaking: bool, now: float) -> None:
        """The caller has begun, or finished, to speak."""
        self._caller, self._quiet_since = speaking, now
        self._reply_pending, self._stranded = True, False

    def finish(self) -> None:
        """The call is over, whatever is missing."""
        self._finished = True

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        if self._finished:
            return None
        until = [at for at in (self._silent_too_long(), self._last_moment) if at is not None]
        return min(until, default=None)

    @property
    def _last_moment(self) -> float | None:
        return None if self._complete_since is None else self._complete_since + self.policy.closing

    def _silent_too_long(self) -> float | None:
        if self._replying or self._playing or self._caller:
            return None
        if not self.scoring:
            # The model took the exam for over: if it does not go on, the plan was wrong about that.
            return self._quiet_since + 2 * self.policy.reply_timeout if self._stranded else None
        return self._quiet_since + self._wait

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return []
        if self._last_moment is not None and now >= self._last_moment:
            return self._end()  # a candidate who goes on, or an examiner who answers, must not hold the line for ever
        self._begun, self._quiet_since = True, now
        if self._closing:
            return self._end()
        if not self._missing:
            if self._called or self._call_asked or self.policy.max_requests == 0:
                return self._end()
            self._call_asked = self._reply_pending = True
            return [AskCall()]
        if self._asked < self.policy.max_requests:
            self._asked += 1
            self._reply_pending = True
            return [AskScores(self._missing)]
        if self._reply_pending or self.policy.max_requests == 0:
            return self._end()  # it does not answer at all
        self._closing = self._reply_pending = True
        return [SayGoodbye()]

    def _note_complete(self, now: float) -> None:
        if not self._begun or self._missing or self.expected is False:
            self._complete_since = None
        elif self._complete_since is None:
            self._complete_since = now

    @property
    def _wait(self) -> float:
        complete = self._called and not self._missing
        if self._reply_pending and not complete:
            return self.policy.reply_timeout
        return self.policy.farewell if complete or self._closing else self.policy.score_timeout

    def _end(self) -> list[Action]:
        self._finished = True
        return [Finish()]
