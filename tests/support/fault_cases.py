"""Faults to inject into a call, each with the moment at which it strikes.

The faults are the emulator's (docs/emulator.md), which are what users of the service reported. `CASES` are those that
`python -m bench.connection` measures; those that leave the connection alone are in `OTHERS`. The tests of whole calls
go through both tables, so that no fault of the emulator is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Contender = Literal["ours", "stock"]
Moment = Literal["answer", "reply", "playing", "resume", "reconnect", "later", "once", "always", "call", "ending"]

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
    "ending": "throughout, in an exam whose examiner calls no function",
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
    *("empty_1011", "keepalive", "unlisted", "unlisted_code"),
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
    *(Case(fault, "resume") for fault in ("handle_unlisted", "resume_unlisted")),
    *(Case(fault, "resume") for fault in ("handle_never", "forgets")),
    *(Case(fault, "reconnect") for fault in ("refuse_503", "refuse_429", "sessions_exhausted", "resume_unavailable")),
    *(Case(fault, "reconnect") for fault in ("no_setup_complete", "late_setup_complete")),
    *(Case(fault, "later", fatal=True) for fault in ("key_invalid", "model_not_found", "voices_refused")),
    *(Case(fault, "later", fatal=True) for fault in ("refuse_400", "refuse_region", "refuse_401", "refuse_403")),
    *(Case(fault, "later", fatal=True) for fault in ("refuse_404", "refuse_503", "credits_depleted")),
    Case("refuse_503", "always", fatal=True),
    *(Case(fault, "once") for fault in ("mute", "empty_reply", "no_audio", "lost_turn_complete")),
    *(Case(fault, "always") for fault in ("short_life", "go_away_at_once", "long_pongs", "slow_reply")),
    *(Case(fault, "call") for fault in ("thread_cancelled_on_tool", "entity_not_found", "input_during_call")),
)

OTHERS: tuple[Case, ...] = (
    *(
        Case(fault, "always")
        for fault in ("no_go_away", "spurious_interrupted", "late_interrupted", "waiting_for_input")
    ),
    *(Case(fault, "always") for fault in ("hum", "repeats", "early", "output_text_missing", "late_words")),
    *(
        Case(fault, "always")
        for fault in ("usage_missing", "usage_no_details", "usage_total_only", "usage_short_details")
    ),
    *(Case(fault, "always") for fault in ("usage_tiny_audio", "usage_apart", "usage_twice", "usage_sometimes")),
    *(Case(fault, "always") for fault in ("usage_without_thoughts", "transcription_stall", "transcription_late")),
    *(Case(fault, "always") for fault in ("transcription_restart", "transcription_double", "transcription_missing")),
    *(
        Case(fault, "always")
        for fault in ("call_missing", "call_chance", "call_malformed", "call_empty", "call_unknown")
    ),
    *(Case(fault, "always") for fault in ("call_twice", "call_early", "call_in_speech", "call_promised")),
    *(Case(fault, "always") for fault in ("call_when_asked", "call_cancelled", "call_rejected", "call_trailing_audio")),
    *(Case(fault, "once") for fault in ("call_lost",)),
    *(Case(fault, "ending") for fault in ("scores_two", "scores_none", "text_429", "text_503")),
    *(Case(fault, "resume") for fault in ("handle_unresumable", "handle_expires", "resume_busy")),
    Case("setup_refused", "later", fatal=True),
    *(Case(fault, "always") for fault in ("huge_frame", "unknown_only", "error_message", "extra_fields")),
    *(Case(fault, "always") for fault in ("empty_message", "empty_frame", "invalid_json", "text_frames")),
    *(Case(fault, "always") for fault in ("mixed_frames", "split_frames", "bare_mime", "url_safe", "two_parts")),
)

QUICK = (
    *("none@always", "internal_error@answer", "cut@answer", "aborted@answer", "internal_error@reply"),
    *("internal_error@playing", "handle_invalid@resume", "refuse_503@reconnect", "key_invalid@later"),
    *("mute@once", "short_life@always", "thread_cancelled_on_tool@call", "refuse_503@later"),
)

# The exam whose messages are counted below.
EXAMINER = {
    "kind": "scripted",
    "opening": "Hello.",
    "questions": ["Your name?", "The weather?"],
    "acknowledgements": ["I see."],
    "closing": "Done.",
    "heard": [
        "My name is Bruce and I am located in Sackville in New Brunswick, which is a small university town in Canada.",
        "The weather here seems quite nice and the leaves are slowly departing from us.",
    ],
    "latency": 0.2,
    "ending": {"speak": "none", "farewell": "Goodbye."},
}

# The connection that the exam begins on (the stock service drops its first one when it gets its context), and the
# message of the client that is about 1.5 s into the first answer: setup and opening come before it, and ours sends
# 0.08 s of audio in a message, the stock service what the resampler gives it (0.032 s).
FIRST: dict[Contender, int] = {"ours": 1, "stock": 2}
MIDDLE: dict[Contender, int] = {"ours": 5 + 19, "stock": 5 + 47}
# How many more messages until half a second of the second answer, or its first if a busy machine made fewer of them:
# 3.8 s of the first, silence at its end included.
NEXT: dict[Contender, int] = {"ours": 49 - 12, "stock": 119 - 28}

# Faults that strike within seconds of their own, and need others in an exam of half a minute; and what a service that
# fails in this way does besides. One that has frozen gives no handles and calls no functions, and the SDK takes any
# message for the answer to the setup, so that only a service that says nothing at all keeps it waiting.
SECONDS = {"short_life": 14.0, "transcription_stall": 1.0, "handle_expires": 0.1}
BESIDES = {"mute": ("handle_never", "call_lost"), "no_setup_complete": ("handle_never",)}


def rules(case: Case, contender: Contender) -> list[dict[str, Any]]:
    """The scenario's faults for a case."""
    if case.fault == "none":
        return []
    first = FIRST[contender]
    fault: dict[str, Any] = {"fault": case.fault}
    if case.fault in SECONDS:
        fault["seconds"] = SECONDS[case.fault]
    middle = {"message": MIDDLE[contender], "on": "audio", "connection": first}
    lost = {"fault": "internal_error"} | middle
    besides = [{"fault": more} for more in BESIDES.get(case.fault, ())]
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
            return [lost, *(one | {"connection": first + 1} for one in (fault, *besides))]
        case "later":
            further = list(range(first + 1, first + 10))
            second = {"turn": 2, "message": MIDDLE[contender] + NEXT[contender]}
            return [lost | second, fault | {"connection": further}]
        case "once":
            return [one | {"turn": 2, "connection": first} for one in (fault, *besides)]
        case "ending":
            return [{"fault": "call_missing"}, fault]
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
