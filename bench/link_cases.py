"""What `python -m bench.link` puts calls through: a fault, and the moment at which it strikes.

The faults are the emulator's (docs/emulator.md), which are what users of the service reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bench.faulty_call import Contender

Moment = Literal["answer", "reply", "playing", "resume", "reconnect", "later", "once", "always", "call"]

MOMENTS: dict[Moment, str] = {
    "answer": "in the middle of the first answer",
    "reply": "at the first sound of the examiner's reply to it",
    "playing": "when that reply has been made and is being played",
    "resume": "a 1011 in the middle of the first answer, and then this",
    "reconnect": "the same, and this on the next connection only",
    "later": "a 1011 in the middle of the second answer, and this on every further connection",
    "once": "from the second turn on, on the first connection only",
    "always": "throughout",
    "call": "at the call of the scoring function",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One fault at one moment. `fatal` when no client can go on after it.

    The stock service takes every end of a connection for the same, so it is not put through those that differ from
    another in their text only (`alike`).
    """

    fault: str
    moment: Moment
    fatal: bool = False

    @property
    def alike(self) -> bool:
        """Whether it is another in other words."""
        return self.fault in ALIKE

    @property
    def name(self) -> str:
        """As it is named on the command line."""
        return f"{self.fault}@{self.moment}"


CLOSES = (
    *("close_1000", "cancelled", "going_away", "restart", "try_later", "cut", "invalid_argument", "setup_order"),
    *("not_implemented", "session_not_found", "entity_not_found", "aborted", "internal_error"),
    *("internal_error_occurred", "internal_error_short", "thread_cancelled", "inference_failed", "rpc_deadline"),
    *("rpc_deadline_traced", "deadline_expired", "exhausted", "quota", "unavailable", "unavailable_short"),
    *("empty_1011", "keepalive"),
)

ALIKE = {
    *("cancelled", "internal_error_occurred", "internal_error_short", "inference_failed", "rpc_deadline"),
    *("rpc_deadline_traced", "deadline_expired", "unavailable", "unavailable_short", "empty_1011", "keepalive"),
    *("entity_not_found", "restart", "try_later", "refuse_400", "refuse_region", "refuse_403", "refuse_404"),
    *("model_not_found", "voices_refused", "activity_refused"),
}

CASES: tuple[Case, ...] = (
    Case("none", "always"),
    *(Case(fault, "answer") for fault in CLOSES),
    *(Case(fault, "answer", fatal=True) for fault in ("bad_payload", "activity_refused")),
    *(Case(fault, "reply") for fault in ("internal_error", "cut", "aborted", "session_not_found", "quota")),
    *(Case(fault, "playing") for fault in ("internal_error", "cut", "session_not_found")),
    *(Case(fault, "resume") for fault in ("handle_invalid", "handle_not_found", "resume_refused")),
    *(Case(fault, "resume") for fault in ("handle_never", "forgets")),
    *(Case(fault, "reconnect") for fault in ("refuse_503", "refuse_429", "sessions_exhausted", "resume_unavailable")),
    *(Case(fault, "reconnect") for fault in ("no_setup_complete", "late_setup_complete")),
    *(Case(fault, "later", fatal=True) for fault in ("key_invalid", "model_not_found", "voices_refused")),
    *(Case(fault, "later", fatal=True) for fault in ("refuse_400", "refuse_region", "refuse_401", "refuse_403")),
    *(Case(fault, "later", fatal=True) for fault in ("refuse_404", "refuse_503")),
    Case("refuse_503", "always", fatal=True),
    *(Case(fault, "once") for fault in ("mute", "empty_reply", "no_audio", "lost_turn_complete")),
    *(Case(fault, "always") for fault in ("short_life", "go_away_at_once", "long_pongs", "slow_reply")),
    *(Case(fault, "call") for fault in ("thread_cancelled_on_tool", "entity_not_found", "input_during_call")),
)

QUICK = (
    *("none@always", "internal_error@answer", "cut@answer", "aborted@answer", "internal_error@reply"),
    *("internal_error@playing", "handle_invalid@resume", "refuse_503@reconnect", "key_invalid@later"),
    *("mute@once", "short_life@always", "thread_cancelled_on_tool@call", "refuse_503@later"),
)

# The connection that the exam begins on (the stock service drops its first one when it gets its context), and the
# message of the client that is about 1.5 s into the first answer: setup and opening come before it, and ours sends
# 0.08 s of audio in a message, the stock service what the resampler gives it (0.032 s).
FIRST: dict[Contender, int] = {"ours": 1, "stock": 2}
MIDDLE: dict[Contender, int] = {"ours": 5 + 19, "stock": 5 + 47}
# The same of the second answer: 3.8 s of the first, silence at its end included, come before it.
SECOND: dict[Contender, int] = {"ours": 5 + 49 + 2 + 19, "stock": 5 + 119 + 2 + 47}


def rules(case: Case, contender: Contender) -> list[dict[str, Any]]:
    """The scenario's faults for a case."""
    if case.fault == "none":
        return []
    first, fault = FIRST[contender], {"fault": case.fault}
    middle = {"message": MIDDLE[contender], "on": "audio", "connection": first}
    lost = {"fault": "internal_error"} | middle
    match case.moment:
        case "answer":
            return [fault | middle]
        case "reply":
            return [fault | {"turn": 2, "on": "modelTurn", "connection": first}]
        case "playing":
            return [fault | {"turn": 2, "on": "generationComplete", "connection": first}]
        case "resume":
            return [lost, fault]
        case "reconnect":
            return [lost, fault | {"connection": first + 1}]
        case "later":
            further = list(range(first + 1, first + 10))
            return [lost | {"message": SECOND[contender]}, fault | {"connection": further}]
        case "once":
            once = {"turn": 2, "connection": first}
            # A service that has frozen gives no handles and calls no functions either.
            frozen = ("handle_never", "call_lost") if case.fault == "mute" else ()
            return [fault | once, *({"fault": more} | once for more in frozen)]
        case "always" | "call":
            return [fault]


def chosen(names: Sequence[str], quick: bool) -> list[Case]:
    """The cases of these names: `cut` is every moment of a fault, `cut@reply` is one. Raises ValueError."""
    if not names:
        return [case for case in CASES if not quick or case.name in QUICK]
    found: list[Case] = []
    for name in names:
        those = [case for case in CASES if name in (case.name, case.fault)]
        if not those:
            raise ValueError(f"no case {name!r}; there are {', '.join(case.name for case in CASES)}")
        found += those
    return found
