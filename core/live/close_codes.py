"""Close codes and HTTP refusals: what the end of a connection means, and which action follows.

Close reasons are cut at 123 bytes (RFC 6455, section 5.5.1), so they are compared by their beginning. First match wins.
The rows come from reports of users of the service, named by their source; none is a promise of the vendor.
"""

from dataclasses import dataclass
from enum import StrEnum


class CloseAction(StrEnum):
    """What to do after a connection has ended."""

    RESUME = "resume"  # dial again with the handle
    NEW_SESSION = "new session"  # the handle is of no use: dial again without it
    WAIT = "wait"  # dial again after the long wait
    GIVE_UP = "give up"  # no further attempt would help


@dataclass(frozen=True, slots=True)
class Rule:
    """A close code with the beginning of its reason, what to do, and a sentence for the operator."""

    code: int
    prefix: str
    action: CloseAction
    meaning: str


CLOSES = (
    Rule(1007, "API key not valid", CloseAction.GIVE_UP, "The API key was refused: check the key of the Live stage."),
    Rule(1007, "Invalid session handle", CloseAction.NEW_SESSION, "The resumption handle is unknown or has expired."),
    Rule(1007, "Invalid JSON payload", CloseAction.GIVE_UP, "The service does not know a field of the setup."),
    Rule(1007, "setup must be the first", CloseAction.NEW_SESSION, "The service lost the order of messages."),
    Rule(
        1007,
        "Explicit activity control",
        CloseAction.GIVE_UP,
        "Manual activity was used while the service detects activity itself.",
    ),
    Rule(
        1007, "Cannot extract voices", CloseAction.GIVE_UP, "A voice was requested from a session without audio output."
    ),
    # livekit/agents#5985, google/adk-python#5076: a payload the model does not take, or a bad resume.
    Rule(1007, "Request contains an invalid argument", CloseAction.NEW_SESSION, "The service refused an argument."),
    # googleapis/js-genai#1236 and discuss.ai.google.dev/t/114644: input during a pending tool call.
    Rule(1008, "Operation is not implemented", CloseAction.RESUME, "Input met a pending tool call."),
    Rule(1008, "models/", CloseAction.GIVE_UP, "The model is unknown, retired, or not a Live model: check its name."),
    Rule(
        1008, "BidiGenerateContent session not found", CloseAction.NEW_SESSION, "The session behind the handle is gone."
    ),
    Rule(1008, "Requested entity was not found", CloseAction.NEW_SESSION, "The session behind the handle is gone."),
    Rule(1008, "The operation was aborted", CloseAction.RESUME, "The connection reached the end of its lifetime."),
    Rule(1011, "RESOURCE_EXHAUSTED", CloseAction.WAIT, "Too many sessions at once."),
    Rule(1011, "You exceeded your current quota", CloseAction.WAIT, "The project's quota is used up."),
    Rule(1011, "", CloseAction.RESUME, "The service failed or ended the connection."),
)

# RFC 6455 section 7.4 and the registry of close codes: normal close, going away, no close frame, restart, try again
# later, bad gateway.
TRANSIENT = frozenset({1000, 1001, 1006, 1012, 1013, 1014})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status in answer to the upgrade, what to do, and a sentence for the operator."""

    status: int
    action: CloseAction
    meaning: str


# What the API's own error codes mean: ai.google.dev/gemini-api/docs/troubleshooting. A refused handshake
# says nothing about the session, so the handle stays valid.
REFUSALS = (
    Refusal(
        400,
        CloseAction.GIVE_UP,
        "The request was refused: check the key of the Live stage, and whether the service is offered in your region.",
    ),
    Refusal(401, CloseAction.GIVE_UP, "The key was not recognised: check the key of the Live stage."),
    Refusal(
        403,
        CloseAction.GIVE_UP,
        "The key may not use this API: enable it for the key's project, or lift the key's restrictions.",
    ),
    Refusal(404, CloseAction.GIVE_UP, "There is no Live API at this address: check base_url and api_version."),
    Refusal(408, CloseAction.RESUME, "The service, or a proxy before it, ran out of time."),
    Refusal(429, CloseAction.WAIT, "Too many requests or sessions: wait, or raise the project's quota."),
    Refusal(500, CloseAction.RESUME, "The service failed inside."),
    Refusal(502, CloseAction.RESUME, "A gateway got no proper answer from the service."),
    Refusal(503, CloseAction.RESUME, "The service is overloaded or down for the moment."),
    Refusal(504, CloseAction.RESUME, "A gateway got no answer from the service in time."),
)


def classify(code: int, reason: str) -> CloseAction:
    """What to do after a close frame with this code and reason (1006 when there was none)."""
    if (rule := _rule(code, reason)) is not None:
        return rule.action
    return CloseAction.RESUME if code in TRANSIENT else CloseAction.GIVE_UP


def explain(code: int, reason: str) -> str:
    """A sentence for the operator about a close frame."""
    if (rule := _rule(code, reason)) is not None:
        return rule.meaning
    return "The connection was lost." if code in TRANSIENT else "The service closed the connection for good."


def classify_refusal(status: int) -> CloseAction:
    """What to do after the upgrade was answered with this HTTP status."""
    if (refusal := _refusal(status)) is not None:
        return refusal.action
    return CloseAction.RESUME if status >= 500 else CloseAction.GIVE_UP


def explain_refusal(status: int) -> str:
    """A sentence for the operator about a refused upgrade."""
    if (refusal := _refusal(status)) is not None:
        return refusal.meaning
    return "The service failed." if status >= 500 else "The service refused the connection for good."


def _refusal(status: int) -> Refusal | None:
    return next((refusal for refusal in REFUSALS if refusal.status == status), None)


def _rule(code: int, reason: str) -> Rule | None:
    # "Request trace id: <hex>, [ORIGINAL ERROR] generic::resource_exhausted: ..." (GoogleCloudPlatform#1576)
    if code == 1011 and "resource_exhausted" in reason:
        reason = "RESOURCE_EXHAUSTED"
    return next((rule for rule in CLOSES if rule.code == code and reason.startswith(rule.prefix)), None)
