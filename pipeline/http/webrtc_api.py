"""HTTP for WebRTC: a session's token, the SDP offer, and ICE candidates that come after it."""

import asyncio
import hmac
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import HTTPException
from loguru import logger

from pipeline.http.records_api import Records, check_ready
from pipeline.http.requests import Begin, Candidates, Offer, OfferOrigin, address_of, answered, bearer, read, refused
from pipeline.http.tally import Tally
from pipeline.http.throttle import KeyThrottle
from pipeline.http.tickets import Ticket, Tickets, digest
from transports.call import SignallingListener

RETRY = {"Retry-After": "5"}


class Access:
    """Decides who may begin and change calls: holders of the access key, and of a ticket for the call."""

    def __init__(self, listener: SignallingListener, tickets: Tickets) -> None:
        self._listener = listener
        self._tickets = tickets
        self._key_hash = digest(listener.key.get_secret_value())
        self._throttle = KeyThrottle()
        self._wrong = Tally("Wrong access keys")

    async def has_key(self, token: str, address: str) -> bool:
        """Whether the token is the access key; compared in constant time, and later the more wrong ones there were.

        Raises HTTP 429 when too many keys of this address wait to be compared.
        """
        if not token:
            return False
        wait = self._throttle.begin(address)
        if wait is None:
            self._wrong.add(address)
            raise HTTPException(429, "Too many wrong keys came from your network; try again in a few seconds.", RETRY)
        if wait:
            await asyncio.sleep(wait)
        right = hmac.compare_digest(digest(token), self._key_hash)
        if right:
            self._throttle.right(address)
        else:
            self._wrong.add(address)
        return right

    def admit(self) -> None:
        """Raise HTTP 503 when there are as many calls as the listener takes.

        A ticket takes no place until its offer comes: whoever has the key could otherwise keep every line busy with
        tickets that nobody uses.
        """
        if len(self._listener.calls) >= self._listener.max_calls:
            raise HTTPException(503, "All lines are busy; try again in a few minutes.", {"Retry-After": "60"})

    async def may_change(self, token: str, pc_id: str, address: str) -> bool:
        """Whether the token may renegotiate the call of a peer connection, which has to exist."""
        if ticket := self._tickets.find(token):
            return self._listener.holds(pc_id, ticket.session)
        return await self.has_key(token, address) and self._listener.holds(pc_id)

    async def ticket_for(self, token: str, origin: OfferOrigin, address: str) -> tuple[Ticket, str | None]:
        """The ticket of an offer; for a client that has only the access key a new one, with its token."""
        if origin.token is not None:
            token = origin.token
        if ticket := self._tickets.find(token, origin.session):
            return ticket, None
        if origin.session is None and await self.has_key(token, address):
            self.admit()
            return self._tickets.issue(origin.caller, address)
        raise refused()


def webrtc_api(listener: SignallingListener, tickets: Tickets, records: Records) -> APIRouter:
    """The routes by which a client begins a call of the listener and changes it."""
    api, access = APIRouter(), Access(listener, tickets)

    @api.post("/api/sessions", status_code=201)
    async def begin(request: Request) -> dict[str, Any]:
        if not await access.has_key(bearer(request), address_of(request)):
            raise refused()
        wanted = await read(request, Begin)
        if not wanted.consent:
            raise HTTPException(400, "Consent to the recording is needed before a call can begin.")
        access.admit()
        await check_ready(records)
        ticket, token = tickets.issue(wanted.caller, address_of(request))
        return {"session": ticket.session, "token": token, "ice_servers": listener.ice_servers}

    @api.post("/api/offer")
    async def offer(request: Request) -> dict[str, Any]:
        token = bearer(request, needed=False)
        wanted = await read(request, Offer)
        origin = wanted.requestData or OfferOrigin.model_validate({})
        if wanted.pc_id:
            # The tab that holds a call knows its peer connection's name; another tab does not.
            if not await access.may_change(origin.token or token, wanted.pc_id, address_of(request)):
                raise HTTPException(404, "That call is over; start a new one to go on.")
            return await answered(
                listener.renegotiate(wanted.pc_id, sdp=wanted.sdp, type=wanted.type, restart=bool(wanted.restart_pc))
            )
        ticket, new_token = await access.ticket_for(token, origin, address_of(request))
        if ticket.state != "unused":
            over = ticket.state == "used" and ticket.session not in listener.calls
            what = "This exam is over" if over else "This exam is already open in another tab or window"
            raise HTTPException(409, f"{what}; start a new one to go on.")
        ticket.state = "answering"
        try:
            await check_ready(records)
            answer = await answered(
                listener.answer(
                    call_id=ticket.session,
                    caller=ticket.caller,
                    sdp=wanted.sdp,
                    type=wanted.type,
                    details={"access_hash": ticket.token_hash.hex()},
                )
            )
        except BaseException:
            ticket.state = "unused"
            if new_token is not None:
                tickets.revoke(ticket)
            raise
        ticket.state = "used"
        logger.info("{}: answered an offer", ticket.session)
        return answer if new_token is None else {**answer, "session": ticket.session, "token": new_token}

    @api.patch("/api/offer")
    async def candidates(request: Request) -> dict[str, str]:
        token = bearer(request)
        wanted = await read(request, Candidates)
        if tickets.find(token) is None and not await access.has_key(token, address_of(request)):
            raise refused()
        if not await access.may_change(token, wanted.pc_id, address_of(request)):
            raise HTTPException(404, "That call is over; start a new one to go on.")
        await answered(listener.candidates(wanted.pc_id, [entry.model_dump() for entry in wanted.candidates]))
        return {"status": "success"}

    return api
