"""Close codes and HTTP refusals: what the end of a connection means, and which action follows.

Only what is listed here is final. Whatever is not, is resumed, then tried with a new session, and given up when the
attempts are used up: a service that says something new may go on all the same.

The wording of a reason varies, and a trace id may stand before it, so a row looks for its texts anywhere in the reason,
in either case. A reason is cut at 123 bytes (RFC 6455, section 5.5.1), so the texts are short. First match wins.
The rows come from reports of users of the service, named by their source; none is a promise of the vendor.
"""

from collections.abc import Iterable
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
    """Texts of which one is in a close reason or a refusal, what to do, and a sentence for the operator.

    "…" in a text is anything or nothing. `code` is the close code that it comes with; None is any, and any HTTP status
    below 500.
    """

    code: int | None
    texts: tuple[str, ...]
    action: CloseAction
    meaning: str


CLOSES = (
    # Money. Before the quota, which the same refusals name.
    Rule(
        None,
        (
            "credits are depleted",
            "credits … exhausted",
            "prepay",
            "insufficient credit",
            "out of credit",
            "credit balance",
        ),
        CloseAction.GIVE_UP,
        "The prepaid credits of the key's project are used up: buy credits, or turn on automatic reload, in AI Studio.",
    ),
    Rule(
        None,
        ("spending cap", "spend cap", "spending limit"),
        CloseAction.GIVE_UP,
        "The project's spending cap is reached: raise it in AI Studio, or wait for the next month.",
    ),
    Rule(
        None,
        (
            "requires billing",
            "enable billing",
            "billing account",
            "billing … disabled",
            "billing … be enabled",
            "billing … not enabled",
            "billing … not been enabled",
            "billing … not active",
            "BILLING_DISABLED",
            "payment required",
            "payment method",
            "past due",
            "unpaid",
            "good standing",
            "dunning decision",
        ),
        CloseAction.GIVE_UP,
        "Billing is not active for the key's project: set up, or settle, its billing account in the Cloud console.",
    ),
    # GoogleCloudPlatform/generative-ai#1576: "Request trace id: <hex>, [ORIGINAL ERROR] generic::resource_exhausted".
    Rule(
        None,
        ("RESOURCE_EXHAUSTED", "resource exhausted", "resource has been exhausted", "maximum concurrent sessions"),
        CloseAction.WAIT,
        "Too many sessions at once.",
    ),
    Rule(
        None,
        ("exceeded your current quota", "quota exceeded", "exceeded … quota"),
        CloseAction.WAIT,
        "The project's quota is used up.",
    ),
    Rule(None, ("rate limit", "too many requests"), CloseAction.WAIT, "Too many requests in a short time."),
    # The key, its project, and where this runs.
    Rule(
        None,
        ("key … expired", "API_KEY_EXPIRED"),
        CloseAction.GIVE_UP,
        "The API key has expired: make a new one, and set it as the key of the Live stage.",
    ),
    Rule(
        None,
        ("key … leaked",),
        CloseAction.GIVE_UP,
        "The API key was reported as leaked and is blocked: make a new one, and set it as the key of the Live stage.",
    ),
    Rule(
        None,
        ("consumer … suspended", "key … suspended", "project … suspended", "account … suspended"),
        CloseAction.GIVE_UP,
        "The service has suspended the key or its project: the Cloud console says why.",
    ),
    Rule(
        None,
        (
            "API_KEY_SERVICE_BLOCKED",
            "API_KEY_HTTP_REFERRER_BLOCKED",
            "API_KEY_IP_ADDRESS_BLOCKED",
            "requests to this API",
            "API_KEY_ANDROID_APP_BLOCKED",
            "API_KEY_IOS_APP_BLOCKED",
            "requests from referer",
            "address restriction",
        ),
        CloseAction.GIVE_UP,
        "The key's restrictions forbid this: lift its restriction to websites, addresses, apps or APIs.",
    ),
    Rule(
        None,
        (
            "API has not been used in project",
            "or it is disabled",
            "API … not enabled",
            "API … is disabled",
            "SERVICE_DISABLED",
        ),
        CloseAction.GIVE_UP,
        "The API is not enabled for the key's project: enable the Generative Language API in the Cloud console.",
    ),
    Rule(
        None,
        ("API key", "API_KEY_INVALID", "unregistered callers", "authentication credential", "UNAUTHENTICATED"),
        CloseAction.GIVE_UP,
        "The API key was refused: check the key of the Live stage.",
    ),
    Rule(
        None,
        (
            "location is not supported",
            "not … in your country",
            "not … in your region",
            "not … in your location",
            "unsupported … location",
            "unsupported country",
            "unsupported region",
        ),
        CloseAction.GIVE_UP,
        "The service is not offered where this runs: run it in a supported region.",
    ),
    Rule(
        None,
        (
            "PERMISSION_DENIED",
            "permission denied",
            "not have permission",
            "denied access",
            "access denied",
            "not authorized",
        ),
        CloseAction.GIVE_UP,
        "The key's project may not use this: check its access to the API and to the model.",
    ),
    # The session behind the handle. discuss.ai.google.dev/t/186392 and t/109319.
    Rule(
        None,
        ("invalid session handle", "invalid handle", "resumption handle", "session handle", "handle … expired"),
        CloseAction.NEW_SESSION,
        "The resumption handle is unknown or has expired.",
    ),
    Rule(None, ("session not found",), CloseAction.NEW_SESSION, "The session behind the handle is gone."),
    Rule(1008, ("Requested entity was not found",), CloseAction.NEW_SESSION, "What the handle stands for is gone."),
    Rule(1007, ("setup must be the first",), CloseAction.NEW_SESSION, "The service lost the order of messages."),
    # livekit/agents#5985, google/adk-python#5076: a payload the model does not take, or a bad resume.
    Rule(1007, ("Request contains an invalid argument",), CloseAction.NEW_SESSION, "The service refused an argument."),
    # The setup. kazunori279/interpretab.
    Rule(
        None,
        (
            "not found for API version",
            "not supported for bidiGenerateContent",
            "model not found",
            "model … not found",
            "model … does not exist",
            "model … no longer available",
            "model … retired",
            "model … shut down",
            "invalid model",
            "unknown model",
            "unsupported model",
        ),
        CloseAction.GIVE_UP,
        "The model is unknown, retired, or not a Live model: check its name.",
    ),
    Rule(1008, ("models/",), CloseAction.GIVE_UP, "The model cannot be used: check its name."),
    Rule(None, ("Invalid JSON payload",), CloseAction.GIVE_UP, "The service does not know a field of the setup."),
    Rule(
        None,
        ("Explicit activity control",),
        CloseAction.GIVE_UP,
        "Manual activity was used while the service detects activity itself.",
    ),
    Rule(
        None,
        ("Cannot extract voices",),
        CloseAction.GIVE_UP,
        "A voice was requested from a session without audio output.",
    ),
    Rule(None, ("requested voice",), CloseAction.GIVE_UP, "The model does not have this voice: check `voice`."),
    Rule(
        None,
        ("unsupported language",),
        CloseAction.GIVE_UP,
        "The model does not speak this language: check `language`.",
    ),
    # googleapis/js-genai#1236 and discuss.ai.google.dev/t/114644: input during a pending tool call.
    Rule(1008, ("Operation is not implemented",), CloseAction.RESUME, "Input met a pending tool call."),
    Rule(1008, ("The operation was aborted",), CloseAction.RESUME, "The connection reached the end of its lifetime."),
    Rule(1011, ("",), CloseAction.RESUME, "The service failed or ended the connection."),
)

# RFC 6455 section 7.4 and the registry of close codes: normal close, going away, a close frame without a code, no close
# frame, restart, try again later, bad gateway.
TRANSIENT = frozenset({1000, 1001, 1005, 1006, 1012, 1013, 1014})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status in answer to the upgrade, what to do, and a sentence for the operator."""

    status: int
    action: CloseAction
    meaning: str


# What the API's own error codes mean: ai.google.dev/gemini-api/docs/troubleshooting. A refused handshake
# says nothing about the session, so the handle stays valid. What the answer says, by the rows above, goes before.
REFUSALS = (
    Refusal(401, CloseAction.GIVE_UP, "The key was not recognised: check the key of the Live stage."),
    Refusal(402, CloseAction.GIVE_UP, "The service wants to be paid: set up billing for the key's project."),
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
    rule = _rule(code, reason)
    return rule.action if rule is not None else CloseAction.RESUME


def explain(code: int, reason: str) -> str:
    """A sentence for the operator about a close frame. One that is not known is named by its code; its reason is what
    somebody else wrote, and stands where the code and the reason are recorded.
    """
    if (rule := _rule(code, reason)) is not None:
        return rule.meaning
    if code in TRANSIENT:
        return "The connection was lost."
    return f"The service closed the connection with code {code} and a reason that is not known."


def classify_refusal(status: int, answer: str = "") -> CloseAction:
    """What to do after the upgrade was answered with this HTTP status and text, or an error came with them."""
    known = _refusal(status, answer)
    return known.action if known is not None else CloseAction.RESUME


def explain_refusal(status: int, answer: str = "") -> str:
    """A sentence for the operator about a refused upgrade; the same goes for what is not known."""
    if (known := _refusal(status, answer)) is not None:
        return known.meaning
    return f"The service refused the connection with HTTP status {status}, which is not known to be final."


def _refusal(status: int, answer: str) -> Rule | Refusal | None:
    # A server that fails has not looked at the key, whatever page it sends.
    named = _matching((rule for rule in CLOSES if rule.code is None), answer) if status < 500 else None
    return named or next((refusal for refusal in REFUSALS if refusal.status == status), None)


def _rule(code: int, reason: str) -> Rule | None:
    return _matching((rule for rule in CLOSES if rule.code in (None, code)), reason)


def _matching(rules: Iterable[Rule], whole: str) -> Rule | None:
    whole = whole.casefold()
    return next((rule for rule in rules if any(_is_in(whole, text) for text in rule.texts)), None)


def _is_in(whole: str, text: str) -> bool:
    at = 0
    for part in text.casefold().split("…"):
        if (found := whole.find(part.strip(), at)) < 0:
            return False
        at = found + len(part.strip())
    return True
