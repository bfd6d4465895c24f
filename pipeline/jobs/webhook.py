"""The result of a session as a signed message to whoever ordered the exam: its content, its signature, one attempt.

Headers, signature and what an answer means are those of Standard Webhooks 1.0.0
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

import asyncio
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import httpx
from standardwebhooks import Webhook

from pipeline.config.file import WebhookSettings
from pipeline.record.models import SessionRecord
from pipeline.record.verdict_text import verdict_of

TYPE = "session.scored"

_ANSWER_KEPT = 200  # bytes of a refusal that are read, for whoever looks for its cause
_LONGEST_WAIT = 86400.0  # seconds that a receiver can put off the next attempt

_GONE = 410


def signed_headers(secret: str, message_id: str, body: bytes, now: int) -> dict[str, str]:
    """The headers by which a receiver knows a message; `now` is the time of the attempt in seconds since 1970."""
    signature = Webhook(secret).sign(message_id, datetime.fromtimestamp(now, UTC), body.decode())
    return {"webhook-id": message_id, "webhook-timestamp": str(now), "webhook-signature": signature}


def message_id(session_id: str) -> str:
    """The idempotency key of a session's result: the same for every attempt, by whichever process."""
    # Hashed, since a session's id is whatever its door says, and a dot in it would make signatures ambiguous.
    return f"msg_{uuid.uuid5(uuid.NAMESPACE_URL, f'{TYPE}:{session_id}').hex}"


def message(record: SessionRecord) -> dict[str, Any]:
    """The result of a closed session that has a verdict, as plain JSON values; docs/jobs.md says what they mean."""
    measured = [logged.data for logged in record.events if logged.kind == "TranscriptMeasured"]
    return {
        "id": message_id(record.id),
        "type": TYPE,
        "timestamp": _time(record.closed_at),
        "data": {
            "session": {
                "id": record.id,
                "opened_at": _time(record.opened_at),
                "closed_at": _time(record.closed_at),
                "seconds": record.seconds,
                "why": record.why,
                "detail": record.detail,
                "door": record.door,
                "caller": record.caller,
                "config": record.config_name,
                "experiment": record.experiment,
                "arm": record.arm,
                "model": record.model,
            },
            "verdict": verdict_of(record),
            "bill": {
                "usd": None if record.usd is None else f"{record.usd:f}",
                "tokens": record.tokens,
                "estimated": record.estimated,
            },
            "transcript": {key: value for key, value in measured[-1].items() if key != "at"} if measured else None,
        },
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an attempt: the receiver's status, 0 when it gave none, and a sentence on what went wrong.

    `wait` is how many seconds the receiver asks to be left alone.
    """

    status: int
    why: str = ""
    wait: float = 0.0

    @property
    def taken(self) -> bool:
        """Whether the receiver has the message."""
        return 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no further attempt."""
        return self.status == _GONE


async def post(client: httpx.AsyncClient, settings: WebhookSettings, record: SessionRecord, now: datetime) -> Answer:
    """One attempt to deliver the result. Whatever goes wrong is in the answer."""
    body = json.dumps(message(record), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    headers = {
        "content-type": "application/json",
        "user-agent": f"Colloquy/{version('colloquy')}",
        **signed_headers(settings.secret.get_secret_value(), message_id(record.id), body, int(now.timestamp())),
    }
    try:
        async with (
            asyncio.timeout(settings.timeout),
            # A redirect would take the result to where nobody has agreed to.
            client.stream("POST", settings.url, content=body, headers=headers, follow_redirects=False) as response,
        ):
            if response.is_success:
                return Answer(response.status_code)
            return Answer(response.status_code, await _said(response), _retry_after(response.headers))
    except TimeoutError:
        return Answer(0, f"no answer in {settings.timeout:g} s")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer(0, f"no answer: {' '.join(str(error).split())[:_ANSWER_KEPT] or type(error).__name__}")


async def _said(response: httpx.Response) -> str:
    said = b""
    async for piece in response.aiter_raw():
        said += piece
        if len(said) >= _ANSWER_KEPT:
            break
    text = " ".join(said[:_ANSWER_KEPT].decode(errors="replace").split())
    return f"{response.status_code} {response.reason_phrase}".strip() + (f": {text}" if text else "")


def _retry_after(headers: httpx.Headers) -> float:
    # RFC 9110, 10.2.3 also allows a date; the schedule's own wait does for that.
    asked = headers.get("retry-after", "")
    return min(float(asked), _LONGEST_WAIT) if asked.isascii() and asked.isdigit() else 0.0


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
