"""What must be true of an exam of two questions under a fault, on whichever clock it was held."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from core.events import (
    CallBilled,
    CallEnded,
    ConnectionDialed,
    ConnectionLost,
    ConnectionOpened,
    ConnectionStateChanged,
    ContextLost,
    Event,
    ModelLate,
    ProblemSeen,
    ScoreGiven,
    ScoreMissing,
    VerdictGiven,
)
from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.scenario import CRITERIA
from support.calls import Log
from support.fault_cases import CASES, EXAMINER, OTHERS, Case

EVERY_CASE = {case.name: case for case in (*CASES, *OTHERS)}
CASE = {name: next(case for case in (*CASES, *OTHERS) if case.fault == name) for name in FAULTS}
"""Of each fault the first moment in the tables."""

# The text that the service sends is not that of what was said, or it comes after the call.
TEXT_CHANGED = {"transcription_stall", "transcription_double", "transcription_missing", "transcription_late"}
# The examiner is not heard to ask, or does not wait: there may be no second answer.
UNASKED = {"empty_reply", "early"}
# The reply breaks off in mid-question. A caller who answers what was heard of it talks over the question when it is put
# again, and then has nothing left to say: he hangs up, and the scores are those of an exam that was not finished.
REPLY_CUT = {"late_interrupted", "spurious_interrupted", "huge_frame", "unknown_only", "error_message", "invalid_json"}
# The text model is out of order too: no score can be had of anybody.
NO_SCORES = {"text_429", "text_503"}
# The service says nothing of what it cost, or not enough: the bill is estimated.
NO_USAGE = {"usage_missing", "usage_total_only"}

# The emulator's examiner reads in the history of a new session that the next question has been asked, takes the answer
# that is replayed for one to that, and by its script hears other words in it than were said.
MISHEARD = {"session_not_found@playing", "entity_not_found@call"}

# (dials, losses) of a fault that strikes at this moment.
AT = {
    **dict.fromkeys(("answer", "reply", "playing", "call"), (2, 1)),
    **dict.fromkeys(("resume", "reconnect"), (3, 2)),
    **dict.fromkeys(("once", "always", "ending"), (1, 0)),
    "later": (2, 2),
}
# And of those that are met in another way.
OTHERWISE = {
    # The next connection is dialled at once and as usual,
    **dict.fromkeys(("handle_never", "handle_unresumable"), (2, 1)),
    "late_setup_complete": (2, 1),
    # left when the conversation is found to be lost on it,
    "forgets": (3, 1),
    # or hung up on when it does not answer setup.
    "no_setup_complete": (3, 1),
    # A close action of resume: the handle is tried twice.
    **dict.fromkeys(("resume_busy", "resume_unlisted"), (4, 3)),
    # A model that owes an answer is left.
    **dict.fromkeys(("mute", "empty_reply", "no_audio"), (2, 0)),
    # An announced end is not waited for.
    "go_away_at_once": (2, 0),
    "short_life": (3, 0),
    # No message that the client can read.
    **dict.fromkeys(("huge_frame", "unknown_only", "error_message", "invalid_json"), (2, 1)),
    "input_during_call": (1, 0),
    # Refused until nothing is left of the backoff.
    "setup_refused": (4, 4),
}
EXHAUSTED = {"refuse_503@always": (4, 4), "refuse_503@later": (4, 4)}


def connections(case: Case) -> tuple[int, int]:
    """How often an exam under this fault dials, and how many connections and attempts it loses."""
    if case.name in EXHAUSTED:
        return EXHAUSTED[case.name]
    if case.fatal and case.moment == "answer":
        return 1, 1
    return OTHERWISE.get(case.fault, AT[case.moment])


def ended_in_order(log: Log, case: Case, attempts: int) -> None:
    """The call came to its end once, with a verdict, a bill, and nothing complained of over and over."""
    ending = log.events[-1]
    assert isinstance(ending, CallEnded) and len(log.of(CallEnded)) == 1
    if case.fatal:
        assert ending.why == "connection given up" and ending.detail
    else:
        assert ending.why == "completed" or (ending.why == "caller left" and case.fault in REPLY_CUT)
    decided = {event.criterion for event in (*log.of(ScoreGiven), *log.of(ScoreMissing))}
    assert decided == set(CRITERIA), "each criterion has a score, or is declared to have none"
    [verdict] = log.of(VerdictGiven)
    if not case.fatal and case.name not in MISHEARD:
        assert verdict.status == ("insufficient" if case.fault in NO_SCORES else "complete")
    bill = log.of(CallBilled)[-1]
    assert float(bill.usd) > 0 or case.name == "refuse_503@always", "nothing is paid for"
    assert bill.estimated or case.fault not in NO_USAGE
    causes = Counter(problem.what for problem in log.of(ProblemSeen))
    assert all(count == 1 for count in causes.values()), causes
    dialed_for_a_reason(log.events, attempts)


def every_word_once(log: Log, case: Case) -> None:
    """Nobody hears the greeting twice, and what the caller said is in the transcript, once."""
    greetings, first, second = (
        log.said(speaker).count(words)
        for speaker, words in (("examiner", "Hello."), *(("caller", words) for words in EXAMINER["heard"]))
    )
    assert greetings == (0 if case.fault == "output_text_missing" or case.name == "refuse_503@always" else 1)
    if case.fault not in TEXT_CHANGED and case.name not in MISHEARD:
        assert first == 1 or (first == 0 and case.fatal)
        assert second == 1 or (second == 0 and (case.fault in UNASKED | REPLY_CUT or case.fatal))


def words_kept(log: Log) -> float:
    """The share of the words of the caller's answers that is in the transcript."""
    said, kept = " ".join(EXAMINER["heard"]).split(), Counter(log.said("caller").split())
    return sum((Counter(said) & kept).values()) / len(said)


def dialed_for_a_reason(events: Iterable[Event], attempts: int) -> None:
    """One connection at a time: each that opened was dialled, each is lost once at most, and no dial is for nothing.

    Of attempts in a row there are no more than the policy has.
    """
    steps = [one for one in events if isinstance(one, ConnectionDialed | ConnectionOpened | ConnectionLost)]
    assert isinstance(steps[0], ConnectionDialed)
    for before, after in pairwise(steps):
        match after:
            case ConnectionOpened():
                assert isinstance(before, ConnectionDialed), f"what opened was not dialled: {after}"
            case ConnectionLost():
                assert not isinstance(before, ConnectionLost), f"lost twice: {before}, {after}"
    assert [dial.attempt for dial in steps if isinstance(dial, ConnectionDialed) and dial.attempt > attempts] == []
    assert unexplained(events) == []


def unexplained(events: Iterable[Event]) -> Sequence[ConnectionDialed]:
    """The dials after the first that follow neither on a wait, nor a rotation, nor a silent or forgetful model."""
    found: list[ConnectionDialed] = []
    reason = True
    for event in events:
        match event:
            case ConnectionStateChanged(state="waiting" | "draining") | ContextLost(action="reseed"):
                reason = True
            case ModelLate(action="reconnect"):
                reason = True
            case ConnectionDialed():
                if not reason:
                    found.append(event)
                reason = False
            case _:
                pass
    return found
