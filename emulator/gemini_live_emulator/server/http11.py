"""A small HTTP/1.1 layer over h11: heads are read here, WebSocket upgrades are left to others."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from gemini_live_emulator.protocol.wire import Json

HEAD_LIMIT: Final = 64 * 1024
BODY_LIMIT: Final = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request, its path without doubled slashes."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""

    @property
    def upgrade(self) -> bool:
        """Whether it asks for a WebSocket."""
        return self.headers.get("upgrade", "").lower() == "websocket"

    @property
    def key(self) -> str | None:
        """The API key, token or bearer, wherever it was put."""
        # Python sends a header, browsers can only use the query; ephemeral tokens come as
        # `Authorization: Token` and as `access_token` (python-genai live.py, js-genai live.ts).
        scheme, _, credential = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() in ("token", "bearer") and credential.strip():
            return credential.strip()
        return self.headers.get("x-goog-api-key") or self.query.get("key") or self.query.get("access_token")

    def json(self) -> Json:
        """Read the body as a JSON object."""
        found: Any = json.loads(self.body or b"{}")
        if not isinstance(found, dict):
            raise ValueError("Root element must be a message.")
        return found  # pyright: ignore[reportUnknownVariableType]


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, value: Json | list[Json], status: int = 200) -> Response:
        """Answer with JSON."""
        body = json.dumps(value, ensure_ascii=False, indent=2).encode()
        return cls(status, body, {"content-type": "application/json; charset=UTF-8"})

    @classmethod
    def error(cls, status: int, code: str, message: str, reason: str | None = None) -> Response:
        """Answer with an error as Google's services write it."""
        error: Json = {"code": status, "message": message, "status": code}
        if reason:
            error["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": reason,
                    "domain": "googleapis.com",
                }
            ]
        return cls.of({"error": error}, status)


class Malformed(Exception):
    """Bytes that are not an HTTP request."""


async def read_head(reader: asyncio.StreamReader) -> bytes | None:
    """Read a request's head, or None at the end of the stream."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise Malformed from error
        return None
    except asyncio.LimitOverrunError as error:
        raise Malformed from error


class Exchange:
    """One HTTP connection, request by request."""

    def __init__(self) -> None:
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT)

    def head(self, raw: bytes) -> Request:
        """Parse a head."""
        self._h11.receive_data(raw)
        try:
            event = cast("h11.Request", self._h11.next_event())  # a whole head is a request or an error
        except h11.RemoteProtocolError as error:
            raise Malformed(str(error)) from error
        parts = urlsplit(re.sub(r"^/+", "/", event.target.decode("latin-1")))
        return Request(
            event.method.decode("ascii"),
            re.sub(r"/{2,}", "/", unquote(parts.path)),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in event.headers},
        )

    async def body(self, reader: asyncio.StreamReader, send: Callable[[bytes], None]) -> bytes:
        """Read the body that follows a head."""
        body = bytearray()
        if self._h11.they_are_waiting_for_100_continue:
            send(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            while True:
                event = self._h11.next_event()
                if event is h11.NEED_DATA:
                    self._h11.receive_data(await reader.read(65_536))
                elif isinstance(event, h11.Data):
                    body += event.data
                    if len(body) > BODY_LIMIT:
                        raise Malformed("body too large")
                else:
                    return bytes(body)
        except h11.RemoteProtocolError as error:
            raise Malformed(str(error)) from error

    def answer(self, response: Response) -> tuple[bytes, bool]:
        """Write a response; say whether the connection stays open."""
        headers = response.headers | {"content-length": str(len(response.body))}
        raw = [(k.encode(), v.encode()) for k, v in headers.items()]
        phrase = HTTPStatus(response.status).phrase.encode()
        out = [
            self._h11.send(h11.Response(status_code=response.status, headers=raw, reason=phrase)),
            self._h11.send(h11.Data(data=response.body)),
            self._h11.send(h11.EndOfMessage()),
        ]
        keep = self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE
        if keep:
            self._h11.start_next_cycle()
        return b"".join(part for part in out if part), keep
