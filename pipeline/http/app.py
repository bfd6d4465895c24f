"""HTTP: the page, a session, the offer, and the record of a session for whoever held it."""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from loguru import logger
from starlette.exceptions import HTTPException as StarletteHTTPException

from pipeline.http.guard import Guard
from pipeline.http.requests import Begin, Candidates, Offer, OfferOrigin, answered, bearer, read, refused
from pipeline.http.tickets import Ticket, Tickets, digest
from transports.webrtc.listener import WebRtcListener

WEB = Path(__file__).parent / "web"


class Records(Protocol):
    """Where a finished session is read from."""

    async def record(self, session_id: str) -> dict[str, Any] | None:
        """The whole record of a session as JSON values; None when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class PageInfo:
    """What the page says about the exam before it begins. `criteria` and `scale` are empty where not known."""

    name: str
    model: str
    emulated: bool
    questions: int
    minutes: float
    criteria: tuple[str, ...] = ()
    scale: tuple[float, float] | None = None


def create_app(*, door: WebRtcListener, records: Records, info: PageInfo) -> FastAPI:
    """The HTTP application in front of the WebRTC door."""
    app = FastAPI(title=info.name, docs_url=None, redoc_url=None, openapi_url=None)
    tickets = Tickets()
    key_hash = digest(door.key.get_secret_value())

    def has_key(token: str) -> bool:
        return hmac.compare_digest(digest(token), key_hash)

    def admit() -> None:
        if len(door.calls) + tickets.waiting() >= door.settings.max_calls:
            raise HTTPException(503, "All lines are busy; try again in a few minutes.", {"Retry-After": "60"})

    def may_change(token: str, pc_id: str) -> bool:
        if has_key(token):
            return door.holds(pc_id)
        ticket = tickets.find(token)
        return ticket is not None and door.holds(pc_id, ticket.session)

    def ticket_for(token: str, origin: OfferOrigin) -> tuple[Ticket, str | None]:
        """The ticket an offer comes with; a client that has only the access key gets one on the spot."""
        if origin.token is not None:
            token = origin.token
        if ticket := tickets.find(token, origin.session):
            return ticket, None
        if origin.session is None and has_key(token):
            admit()
            return tickets.issue(origin.caller)
        raise refused()

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(WEB / "index.html", headers={"Cache-Control": "no-cache"})

    @app.get("/healthz")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "calls": len(door.calls)}

    @app.get("/api/exam")
    async def exam() -> dict[str, Any]:
        return {
            "name": info.name,
            "model": info.model,
            "emulated": info.emulated,
            "questions": info.questions,
            "minutes": info.minutes,
            "criteria": list(info.criteria),
            "scale": list(info.scale) if info.scale else None,
        }

    @app.post("/api/sessions", status_code=201)
    async def begin(request: Request) -> dict[str, Any]:
        if not has_key(bearer(request)):
            raise refused()
        wanted = await read(request, Begin)
        if not wanted.consent:
            raise HTTPException(400, "Consent to the recording is needed before a call can begin.")
        admit()
        ticket, token = tickets.issue(wanted.caller)
        return {"session": ticket.session, "token": token, "ice_servers": door.settings.ice_servers}

    @app.post("/api/offer")
    async def offer(request: Request) -> dict[str, Any]:
        token = bearer(request, needed=False)
        wanted = await read(request, Offer)
        origin = wanted.requestData or OfferOrigin.model_validate({})
        if wanted.pc_id:
            # The tab that holds a call knows its peer connection's name; another tab does not.
            if not may_change(origin.token or token, wanted.pc_id):
                raise HTTPException(404, "That call is over; start a new one to go on.")
            return await answered(
                door.renegotiate(wanted.pc_id, sdp=wanted.sdp, type=wanted.type, restart=bool(wanted.restart_pc))
            )
        ticket, new_token = ticket_for(token, origin)
        if ticket.state != "unused":
            over = ticket.state == "used" and ticket.session not in door.calls
            what = "This exam is over" if over else "This exam is already open in another tab or window"
            raise HTTPException(409, f"{what}; start a new one to go on.")
        ticket.state = "answering"
        try:
            answer = await answered(
                door.answer(
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

    @app.patch("/api/offer")
    async def candidates(request: Request) -> dict[str, str]:
        token = bearer(request)
        wanted = await read(request, Candidates)
        if not has_key(token) and tickets.find(token) is None:
            raise refused()
        if not may_change(token, wanted.pc_id):
            raise HTTPException(404, "That call is over; start a new one to go on.")
        await answered(door.candidates(wanted.pc_id, [entry.model_dump() for entry in wanted.candidates]))
        return {"status": "success"}

    @app.get("/api/sessions/{session}")
    async def record(session: str, request: Request) -> JSONResponse:
        if tickets.find(bearer(request), session) is None:
            raise refused()
        found = await records.record(session)
        if found is None:
            raise HTTPException(404, "There is no record of this session yet.")
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    @app.exception_handler(StarletteHTTPException)
    async def as_json(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, headers=error.headers)

    app.mount("/static", StaticFiles(directory=WEB), name="static")
    app.add_middleware(Guard)
    return app
