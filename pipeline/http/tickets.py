"""Checks session tokens: a ticket says who may hold which call, and read its record afterwards."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

# Seconds until an unused ticket no longer counts as a call, and for which a used one reads its record.
UNUSED_FOR = 120.0
READABLE_FOR = 86_400.0
MOST_TICKETS = 10_000
# Unused ones: of one address, beyond which its own oldest is dropped, and in all.
MOST_UNUSED_OF_ADDRESS = 200
MOST_UNUSED = 2_000


@dataclass(slots=True)
class Ticket:
    """The permission to hold one call, and to read its record afterwards."""

    session: str
    caller: str
    token_hash: bytes
    issued: float
    address: str = ""
    state: Literal["unused", "answering", "used"] = "unused"


class Tickets:
    """The tickets issued. Tokens are stored hashed, and compared in constant time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tickets: dict[str, Ticket] = {}

    def issue(self, caller: str, address: str = "") -> tuple[Ticket, str]:
        """A ticket for a new session, and the token that proves it; `address` is whose it is."""
        self._drop_old()
        unused = [one for one in self._tickets.values() if one.state == "unused"]
        own = [one for one in unused if one.address == address]
        if len(own) >= MOST_UNUSED_OF_ADDRESS:
            self.revoke(own[0])
        elif len(unused) >= MOST_UNUSED:
            self.revoke(unused[0])
        session = secrets.token_hex(8)
        token = f"{session}.{secrets.token_urlsafe(24)}"
        ticket = Ticket(session, caller or f"visitor-{session[:6]}", digest(token), self._clock(), address)
        self._tickets[session] = ticket
        return ticket, token

    def find(self, token: str, session: str | None = None) -> Ticket | None:
        """The ticket this token proves; with `session`, only if it is for that session."""
        self._drop_old()
        ticket = self._tickets.get(token.partition(".")[0])
        if ticket is None or not hmac.compare_digest(ticket.token_hash, digest(token)):
            return None
        return ticket if session in {None, ticket.session} else None

    def revoke(self, ticket: Ticket) -> None:
        """Make a ticket invalid."""
        self._tickets.pop(ticket.session, None)

    def _drop_old(self) -> None:
        now = self._clock()
        for session, ticket in list(self._tickets.items()):
            age = now - ticket.issued
            if age > READABLE_FOR or (ticket.state == "unused" and age > UNUSED_FOR):
                del self._tickets[session]
        while len(self._tickets) >= MOST_TICKETS:  # oldest first: a dict has them in the order of issue
            del self._tickets[next(iter(self._tickets))]


def digest(secret: str) -> bytes:
    """The SHA-256 of a secret."""
    return hashlib.sha256(secret.encode()).digest()
