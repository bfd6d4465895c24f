"""What happened in a call, for whoever looks for the reason of a bad one: its events beside the conversation."""

from collections.abc import Iterable, Iterator

from pipeline.record.models import LoggedEvent

# What a person reads of each kind of event. What is not here is shown elsewhere (utterances, scores, bill, verdict) or
# comes with every turn of a good call.
LISTED = {
    "CallerConnected": "caller connected",
    "ExamProgressed": "question asked",
    "ConnectionDialed": "dialed",
    "ConnectionOpened": "opened",
    "ConnectionLost": "lost",
    "ConnectionStateChanged": "the connection is",
    "ConnectionGivenUp": "given up",
    "GoAwayReceived": "end announced",
    "TurnReplayed": "turns replayed",
    "TurnSentAsText": "turns sent as text",
    "ModelLate": "the model is late",
    "ContextLost": "context lost",
    "ReplySuppressed": "reply suppressed",
    "RepetitionNoticed": "repetition",
    "GapFound": "gap in the transcript",
    "GapRepaired": "gap repaired",
    "MarkersRemoved": "markers removed",
    "AudioStopped": "no audio from the caller",
    "AudioResumed": "audio again",
    "EchoDetected": "echo",
    "KeyPressed": "key pressed",
    "ToolCalled": "function called",
    "ToolCancelled": "function call cancelled",
    "ScoreAsked": "scores asked for",
    "ScoreRefused": "score refused",
    "ScoreMissing": "no score",
    "ProblemSeen": "problem",
    "CallEnded": "call ended",
    "WebhookFailed": "webhook failed",
    "WebhookDelivered": "webhook delivered",
}

NOTHING = "Nothing was recorded."

_LONGEST = 400  # characters of one value


def happenings(events: Iterable[LoggedEvent]) -> Iterator[tuple[float, str, tuple[str, ...]]]:
    """When, in seconds of the call, what, and its particulars, each as its name and value; empty ones are left out.

    In the order of time. Names and values are plain words for the caller to escape.
    """
    for event in sorted(events, key=lambda one: (one.at, one.seq)):
        what = LISTED.get(event.kind)
        if what is None or (event.kind == "ExamProgressed" and not event.data.get("question")):
            continue
        fields = ((key.replace("_", " "), _words(value)) for key, value in event.data.items() if key != "at")
        yield event.at, what, tuple(f"{key} {value}" for key, value in fields if value)


def _words(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case list():
            text = " ".join(map(str, value))
        case dict():
            text = ", ".join(f"{key} {inner}" for key, inner in value.items())
        case _:
            text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
