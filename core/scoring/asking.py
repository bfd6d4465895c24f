"""When the examiner is asked for scores, and when nothing more is waited for."""

from collections.abc import Sequence
from dataclasses import dataclass

# Values in one breath that show that scores are being given although the plan does not expect them yet. One may be a
# misheard "six for me".
CLEARLY_SCORES = 2


@dataclass(frozen=True, slots=True)
class AskingPolicy:
    """How long everybody's silence is borne, in seconds, and how often the examiner is asked for what is missing.

    `patience`: after the examiner has spoken. `reply`: while it owes a reply. `farewell`: once all has been reported.
    """

    patience: float = 6.0
    reply: float = 20.0
    farewell: float = 2.5
    ask_again: int = 2


@dataclass(frozen=True, slots=True)
class AskScores:
    """Ask the examiner, by name, for the criteria it has left out."""

    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskCall:
    """All has been said: ask for the function."""


@dataclass(frozen=True, slots=True)
class SayGoodbye:
    """The examiner does not complete its scores: let it end the call in a sentence, so that the caller hears an end."""


@dataclass(frozen=True, slots=True)
class Conclude:
    """Nothing more is to be had from the examiner."""


Action = AskScores | AskCall | SayGoodbye | Conclude


@dataclass
class AskingMachine:
    """What is known of the scores, who is speaking, and time in; what to ask out.

    `due` is what the exam plan says of the scores: None where no plan does, then they begin with the first one.
    """

    policy: AskingPolicy
    due: bool | None = None
    _begun: bool = False
    _missing: tuple[str, ...] = ()
    _called: bool = False
    _asked: int = 0
    _call_asked: bool = False
    _refused: bool = False
    _stranded: bool = False  # a call was refused, and nobody has said anything since
    _closing: bool = False
    _concluded: bool = False
    _owed: bool = False  # the examiner is to speak and has not begun
    _replying: bool = False
    _playing: bool = False
    _caller: bool = False
    _quiet_since: float = 0.0

    @property
    def scoring(self) -> bool:
        """Whether scores are due, or have begun to come."""
        return self._begun or bool(self.due)

    def scores_due(self, due: bool, missing: Sequence[str], now: float) -> None:
        """The plan expects scores from here on, or not yet; these criteria are missing."""
        self._missing = tuple(missing)
        if due and not self.due:
            self._quiet_since = now
        self.due = due

    def heard(self, stated: int, missing: Sequence[str], now: float) -> None:
        """The examiner's last utterance states so many criteria; of all of them these are still missing."""
        self._missing = tuple(missing)
        if stated >= (CLEARLY_SCORES if self.due is False else 1) and not self._begun:
            self._begun, self._quiet_since = True, now

    def takes_call(self, stated: int) -> bool:
        """Whether the function may be called now. Before its time it is refused, once: who calls again means it."""
        if self.due is False and not self._begun and stated < CLEARLY_SCORES and not self._refused:
            self._refused = self._stranded = True
            return False
        return True

    def called(self, missing: Sequence[str], now: float) -> None:
        """The function was called, and these criteria are still missing."""
        self._missing = tuple(missing)
        self._begun = self._called = True
        self._owed, self._quiet_since = False, now

    def examiner_replies(self, replying: bool, now: float) -> None:
        """The model has begun, or finished, to produce a reply."""
        self._replying, self._quiet_since = replying, now
        self._owed = self._owed and not replying

    def examiner_plays(self, playing: bool, now: float) -> None:
        """The caller has begun, or stopped, to hear the examiner."""
        self._playing, self._quiet_since = playing, now

    def caller_speaks(self, speaking: bool, now: float) -> None:
        """The caller has begun, or finished, to speak."""
        self._caller, self._quiet_since = speaking, now
        self._owed, self._stranded = True, False

    def conclude(self) -> None:
        """The call is over, whatever is missing."""
        self._concluded = True

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        if self._concluded or self._replying or self._playing or self._caller:
            return None
        if not self.scoring:
            # It was sure that the exam is over: if it does not go on, it was right and the plan wrong.
            return self._quiet_since + 2 * self.policy.reply if self._stranded else None
        return self._quiet_since + self._wait

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        due = self.deadline()
        if due is None or now < due:
            return []
        self._begun, self._quiet_since = True, now
        if self._closing:
            return self._end()
        if not self._missing:
            if self._called or self._call_asked or self.policy.ask_again == 0:
                return self._end()
            self._call_asked = self._owed = True
            return [AskCall()]
        if self._asked < self.policy.ask_again:
            self._asked += 1
            self._owed = True
            return [AskScores(self._missing)]
        if self._owed or self.policy.ask_again == 0:
            return self._end()  # it does not answer at all
        self._closing = self._owed = True
        return [SayGoodbye()]

    @property
    def _wait(self) -> float:
        complete = self._called and not self._missing
        if self._owed and not complete:
            return self.policy.reply
        return self.policy.farewell if complete or self._closing else self.policy.patience

    def _end(self) -> list[Action]:
        self._concluded = True
        return [Conclude()]
