"""The webhook: a session's result as a message, its signature, and an attempt to deliver it.

Headers, signature and what an answer means are those of Standard Webhooks 1.0.0
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

import asyncio
import json
import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import httpx
from standardwebhooks import Webhook

from core.events import WebhookDelivered, WebhookFailed
from core.failure import explained
from pipeline.config.file import WebhookSettings, unusable
from pipeline.record.export import json_values
from pipeline.record.models import SessionRecord
from pipeline.record.verdict_text import verdict_of

TYPE = "session.scored"

_ANSWER_LIMIT = 200  # bytes of a refusal that are read, for whoever looks for its cause
_LONGEST_WAIT = 86400.0  # seconds that a receiver can put off the next attempt

_GONE = 410


def signed_headers(secret: str, message_id: str, body: bytes, now: int) -> dict[str, str]:
    """The headers that identify and sign a message; `now` is the time of the attempt in seconds since 1970."""
    signature = Webhook(secret).sign(message_id, datetime.fromtimestamp(now, UTC), body.decode())
    return {"webhook-id": message_id, "webhook-timestamp": str(now), "webhook-signature": signature}


def message_id(session_id: str) -> str:
    """The idempotency key of a session's result: the same for every attempt, by whichever process."""
    # Hashed, since a session's id is whatever its transport says, and a dot in it would make signatures ambiguous.
    return f"msg_{uuid.uuid5(uuid.NAMESPACE_URL, f'{TYPE}:{session_id}').hex}"


def message(record: SessionRecord) -> dict[str, Any]:
    """The result of a closed session that has a verdict, as plain JSON values; docs/jobs.md says what they mean."""
    measured = [logged.data for logged in record.events if logged.kind == "TranscriptMeasured"]
    values = {
        "id": message_id(record.id),
        "type": TYPE,
        "timestamp": record.closed_at,
        "data": {
            "session": {
                "id": record.id,
                "opened_at": record.opened_at,
                "closed_at": record.closed_at,
                "seconds": record.seconds,
                "why": record.why,
                "detail": record.detail,
                "transport": record.transport,
                "caller": record.caller,
                "config": record.config_name,
                "experiment": record.experiment,
                "arm": record.arm,
                "model": record.model,
            },
            "verdict": verdict_of(record),
            "bill": {
                "usd": record.usd,
                "tokens": record.tokens,
                "estimated": record.estimated,
            },
            "transcript": {key: value for key, value in measured[-1].items() if key != "at"} if measured else None,
        },
    }
    return json_values(values, timespec="auto")


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of an attempt: the receiver's status, 0 when it gave none, and a sentence on what went wrong.

    `wait` is the receiver's Retry-After in seconds; `lasting` when no other attempt can end better.
    """

    status: int
    why: str = ""
    wait: float = 0.0
    lasting: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the receiver has taken the message."""
        return 200 <= self.status < 300


async def post(client: httpx.AsyncClient, settings: WebhookSettings, record: SessionRecord, now: datetime) -> Answer:
    """One attempt to deliver the result. Whatever goes wrong is in the answer."""
    if why := unusable(settings.url):
        return Answer(0, f"it cannot be sent: {why}", lasting=True)
    body = json.dumps(message(record), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    headers = {
        "content-type": "application/json",
        "user-agent": f"Colloquy/{version('colloquy')}",
        **signed_headers(settings.secret.get_secret_value(), message_id(record.id), body, int(now.timestamp())),
    }
    answered: httpx.Response | None = None
    refusal = bytearray()
    why = ""
    try:
        async with (
            asyncio.timeout(settings.timeout),
            # A redirect would take the result to where nobody has agreed to. The client's own timeout may be shorter.
            client.stream(
                "POST", settings.url, content=body, headers=headers, follow_redirects=False, timeout=None
            ) as response,
        ):
            answered = response
            if not response.is_success:
                await _read(response, refusal)
    except TimeoutError:
        why = f"no answer in {settings.timeout:g} s"
    except Exception as error:  # libraries below raise more than their own: it must end this attempt, and no more
        why = f"no answer: {explained(error)}"
    if answered is None:
        return Answer(0, why)
    # The status has come, and with it what it asks for, even where the rest of the answer has not.
    if answered.is_success:
        return Answer(answered.status_code)
    lasting = answered.status_code == _GONE
    return Answer(answered.status_code, _refusal(answered, bytes(refusal)), _retry_after(answered.headers), lasting)


async def deliver(
    client: httpx.AsyncClient, settings: WebhookSettings | None, record: SessionRecord, config_file: str
) -> tuple[WebhookDelivered | WebhookFailed, float | None]:
    """Make the next attempt to deliver a session's result; its outcome, and seconds until another one, if there is any.

    `settings` is None where the config, read from `config_file`, names no receiver any more: nothing is sent.
    """
    now = datetime.now(UTC)
    at, when = record.seconds or 0.0, now.isoformat(timespec="seconds").replace("+00:00", "Z")
    attempt = 1 + sum(logged.kind == "WebhookFailed" for logged in record.events)
    if settings is None:
        answer, retries = Answer(0, f"{config_file} names no receiver any more", lasting=True), ()
    else:
        answer, retries = await post(client, settings, record, now), settings.retries
    if answer.accepted:
        return WebhookDelivered(at, attempt, answer.status, when), None
    last = answer.lasting or attempt > len(retries)
    # Spread a little: after an outage of the receiver, many sessions would come back at once.
    wait = None if last else max(retries[attempt - 1] * random.uniform(1, 1.1), answer.wait)
    return WebhookFailed(at, attempt, answer.status, answer.why, when, last), wait


async def _read(response: httpx.Response, into: bytearray) -> None:
    async for piece in response.aiter_raw():
        into += piece
        if len(into) >= _ANSWER_LIMIT:
            break


def _refusal(response: httpx.Response, body: bytes) -> str:
    text = " ".join(body[:_ANSWER_LIMIT].decode(errors="replace").split())
    return f"{response.status_code} {response.reason_phrase}".strip() + (f": {text}" if text else "")


def _retry_after(headers: httpx.Headers) -> float:
    # RFC 9110, 10.2.3 also allows a date; the schedule's own wait does for that.
    asked = headers.get("retry-after", "")
    return min(float(asked), _LONGEST_WAIT) if asked.isascii() and asked.isdigit() else 0.0
