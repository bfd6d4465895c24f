"""Ephemeral tokens: minting, locked settings, uses and expiry."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from gemini_live_emulator.protocol.wire import INVALID_ARGUMENT, Json, Refused, read
from gemini_live_emulator.server.http11 import Response

PREFIX: Final = "auth_tokens/"
# googleapis/python-genai types.py, AuthToken.
LIFE: Final = 30 * 60.0
LONGEST: Final = 20 * 3600.0
NEW_SESSION: Final = 60.0
# discuss.ai.google.dev/t/98979 quotes this for a token without uses left.
SPENT: Final = "The service is currently unavailable."


@dataclass(frozen=True, slots=True)
class Token:
    """A minted token; times are on the server's clock."""

    name: str
    expires: float
    new_session_until: float
    uses: int
    setup: Json
    mask: tuple[str, ...] | None


class Tokens:
    """All tokens of one server."""

    def __init__(self, seed: int) -> None:
        self._dice = Random(f"tokens {seed}")
        self._known: dict[str, Token] = {}

    def mint(self, body: Json, now: float) -> Response:
        """Answer a request for a token."""
        wall = datetime.datetime.now(datetime.UTC)
        try:
            expires = _seconds(body.get("expireTime"), wall, LIFE)
            fresh = _seconds(body.get("newSessionExpireTime"), wall, NEW_SESSION)
            uses = int(body.get("uses", 1))
            if not 0 <= expires <= LONGEST or uses < 0:
                raise ValueError("out of range")
            setup = read(body.get("bidiGenerateContentSetup") or {}, "Setup", "setup")
        except (TypeError, ValueError) as error:
            return Response.error(400, "INVALID_ARGUMENT", f"Invalid token request: {error}")
        except Refused as error:
            return Response.error(400, "INVALID_ARGUMENT", error.reason)
        fields = body.get("fieldMask")
        mask = tuple(str(fields).split(",")) if fields is not None else None
        name = f"{PREFIX}{self._dice.getrandbits(256):064x}"
        self._known[name] = Token(name, now + expires, now + fresh, uses, setup, mask)
        answer: Json = {"name": name}
        for key in ("expireTime", "newSessionExpireTime"):
            if body.get(key):
                answer[key] = body[key]
        if "uses" in body:
            answer["uses"] = uses
        return Response.of(answer)

    def use(self, name: str, resumes: bool, now: float) -> Token:
        """Spend a use of a token, or refuse."""
        token = self._known.get(name)
        if token is None:
            raise Refused(1007, "API key not valid. Please pass a valid API key.")
        # Resuming is documented not to consume a use.
        if now > token.expires or (not resumes and (token.uses < 1 or now > token.new_session_until)):
            raise Refused(1011, SPENT)
        if not resumes:
            self._known[name] = replace(token, uses=token.uses - 1)
        return token


def constrained(setup: Json, token: Token) -> Json:
    """Lay a token's locked settings over a setup.

    A handle is no setting but which session goes on, so it stays the client's also where `sessionResumption` is locked;
    where resumption is locked away, a handle is refused rather than dropped, which would begin anew in silence (guess).
    """
    locked = _locked(setup, token)
    asked: Json = setup.get("sessionResumption") or {}
    handle: str | None = asked.get("handle")
    if not handle:
        return locked
    resumption: Json | None = locked.get("sessionResumption")
    if resumption is None or resumption.get("handle", handle) != handle:
        raise Refused(1007, INVALID_ARGUMENT)
    return {**locked, "sessionResumption": {**resumption, "handle": handle}}


def _locked(setup: Json, token: Token) -> Json:
    if not token.setup:
        return setup
    if token.mask is None:
        # Without a mask the whole configuration is locked; only resumption is the client's.
        kept = {key: value for key, value in setup.items() if key == "sessionResumption"}
        return {**({"model": setup["model"]} if "model" in setup else {}), **token.setup, **kept}
    merged = dict(setup)
    for path in token.mask:
        _lay(merged, token.setup, path.removeprefix("setup.").split("."))
    return merged


def _lay(target: Json, source: Json, path: list[str]) -> None:
    key, *rest = path
    if key not in source:
        target.pop(key, None)
    elif not rest:
        target[key] = source[key]
    else:
        below = dict(target.get(key) or {})
        _lay(below, source[key], rest)
        target[key] = below


def _seconds(text: object, wall: datetime.datetime, usual: float) -> float:
    if text is None:
        return usual
    when = datetime.datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return (when - wall).total_seconds()
