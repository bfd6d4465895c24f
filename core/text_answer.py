"""The answer of a text model: an object, or why there is none and whether the same question may yet get one."""

import json
import re
from typing import Any, NoReturn, cast

# Of generateContent's finishReason: the model or a filter would not say it. Asked at temperature 0, it will not either.
REFUSED = frozenset(
    {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR"}
)
CUT = "MAX_TOKENS"
ENDED = frozenset({"", "STOP", "FINISH_REASON_UNSPECIFIED"})

# HTTP status -> what a person can do about it. Another attempt would end the same way.
LASTING = {
    400: "check `text_model` and the key",
    401: "check the key",
    403: "the key may not use it; check the key and its project",
    404: "it is not offered, or not any more; name another `text_model`",
}

_REASON = re.compile(r"[A-Z][A-Z_]{0,39}")
_LONGEST = 1_000_000  # characters


class TextModelError(RuntimeError):
    """A text model gave no answer; the message is one sentence. `retryable` when the same question may yet get one."""

    def __init__(self, sentence: str, *, retryable: bool = True) -> None:
        super().__init__(sentence)
        self.retryable = retryable


def read_answer(model: str, text: str, *, finished: str = "", blocked: str = "") -> dict[str, Any]:
    """The object that a model answered with; raises TextModelError if it is none.

    `finished` is the answer's finishReason, `blocked` the question's promptFeedback.blockReason; empty for none.
    """
    if blocked:
        raise TextModelError(f"{model} refused the question ({_reason(blocked)})", retryable=False)
    if finished in REFUSED:
        raise TextModelError(f"{model} refused to answer ({_reason(finished)})", retryable=False)
    if finished not in ENDED and finished != CUT:
        raise TextModelError(f"{model} stopped in mid-answer ({_reason(finished)})")
    try:
        if len(text) > _LONGEST:
            raise ValueError("too long")
        answer: Any = json.loads(text, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        if finished == CUT:
            raise TextModelError(f"the answer of {model} was cut off at its limit ({CUT})", retryable=False) from error
        what = "did not answer in JSON" if text.strip() else "gave an empty answer"
        raise TextModelError(f"{model} {what}") from error
    if not isinstance(answer, dict):
        raise TextModelError(f"{model} answered with something else than an object")
    return cast("dict[str, Any]", answer)


def refused(model: str, status: int, explanation: str) -> TextModelError:
    """The error of a request that was answered with an HTTP status other than 200; `explanation` says so in words."""
    if (advice := LASTING.get(status)) is not None:
        return TextModelError(f"{model} failed: {explanation}: {advice}", retryable=False)
    return TextModelError(f"{model} failed: {explanation}")


def _reason(name: str) -> str:
    return name if _REASON.fullmatch(name) else "for a reason that is not known"


def _not_json(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity, which Python would read
