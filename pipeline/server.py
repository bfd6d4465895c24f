"""HTTP: the page, a session, the offer, and the record of a session for whoever held it."""

import errno
import hmac
import socket
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from loguru import logger
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from pipeline.server_guard import Guard
from pipeline.server_tickets import Ticket, Tickets, digest
from transports.webrtc import BadOffer, DoorFull, UnknownCall, WebRtcDoor

WEB = Path(__file__).parent / "web"


class CannotListen(RuntimeError):
    """The address cannot be listened on; the message says what to do."""


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


class _Body(BaseModel):
    # Pipecat's clients send fields of their own, so unknown ones are passed over.
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Begin(_Body):
    consent: bool = False
    caller: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] = ""


class _OfferOrigin(_Body):
    session: str | None = Field(None, max_length=64)
    token: str | None = Field(None, max_length=128)
    caller: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] = ""


class _Offer(_Body):
    sdp: str
    type: str
    pc_id: str | None = Field(None, max_length=128)
    restart_pc: bool | None = None
    requestData: _OfferOrigin | None = None  # the name is Pipecat's


class _Candidate(_Body):
    candidate: str | None = Field(None, max_length=1024)
    sdp_mid: str | None = Field(None, max_length=64)
    sdp_mline_index: int | None = Field(None, ge=0, le=64)


class _Candidates(_Body):
    pc_id: str = Field(max_length=128)
    candidates: list[_Candidate] = Field(max_length=64)


def create_app(*, door: WebRtcDoor, records: Records, info: PageInfo) -> FastAPI:
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

    def ticket_for(token: str, origin: _OfferOrigin) -> tuple[Ticket, str | None]:
        """The ticket an offer comes with; a client that has only the access key gets one on the spot."""
        if origin.token is not None:
            token = origin.token
        if ticket := tickets.find(token, origin.session):
            return ticket, None
        if origin.session is None and has_key(token):
            admit()
            return tickets.issue(origin.caller)
        raise _refused()

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
        if not has_key(_bearer(request)):
            raise _refused()
        wanted = await _read(request, _Begin)
        if not wanted.consent:
            raise HTTPException(400, "Consent to the recording is needed before a call can begin.")
        admit()
        ticket, token = tickets.issue(wanted.caller)
        return {"session": ticket.session, "token": token, "ice_servers": door.settings.ice_servers}

    @app.post("/api/offer")
    async def offer(request: Request) -> dict[str, Any]:
        token = _bearer(request, needed=False)
        wanted = await _read(request, _Offer)
        origin = wanted.requestData or _OfferOrigin.model_validate({})
        if wanted.pc_id:
            # The tab that holds a call knows its peer connection's name; another tab does not.
            if not may_change(origin.token or token, wanted.pc_id):
                raise HTTPException(404, "That call is over; start a new one to go on.")
            return await _answered(
                door.renegotiate(wanted.pc_id, sdp=wanted.sdp, type=wanted.type, restart=bool(wanted.restart_pc))
            )
        ticket, new_token = ticket_for(token, origin)
        if ticket.state != "unused":
            over = ticket.state == "used" and ticket.session not in door.calls
            what = "This exam is over" if over else "This exam is already open in another tab or window"
            raise HTTPException(409, f"{what}; start a new one to go on.")
        ticket.state = "answering"
        try:
            answer = await _answered(
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
        token = _bearer(request)
        wanted = await _read(request, _Candidates)
        if not has_key(token) and tickets.find(token) is None:
            raise _refused()
        if not may_change(token, wanted.pc_id):
            raise HTTPException(404, "That call is over; start a new one to go on.")
        await _answered(door.candidates(wanted.pc_id, [entry.model_dump() for entry in wanted.candidates]))
        return {"status": "success"}

    @app.get("/api/sessions/{session}")
    async def record(session: str, request: Request) -> JSONResponse:
        if tickets.find(_bearer(request), session) is None:
            raise _refused()
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


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CannotListen, one sentence, when the address is taken, forbidden or not ours."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise CannotListen(
            f"Cannot listen on {host}: no such host; set `host` to an address of this machine."
        ) from error
    listening = socket.socket(family, kind, proto)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise CannotListen(f"Cannot listen on {host}:{port}: {_why(error)}.") from error
    listening.setblocking(False)
    return listening


def _why(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "another program has that port; stop it or choose another `port`"
        case errno.EACCES:
            return "this user may not use that port; choose a `port` above 1023"
        case errno.EADDRNOTAVAIL:
            return "that is not an address of this machine; correct `host`"
        case _:
            return (error.strerror or str(error)).lower()


T = TypeVar("T")
Shape = TypeVar("Shape", bound=BaseModel)


async def _read(request: Request, shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HTTPException(
            400, f"The request could not be read: {where + ': ' if where else ''}{first['msg']}."
        ) from None


async def _answered(asked: Awaitable[T]) -> T:
    """What the door answered, its refusals as HTTP errors."""
    try:
        return await asked
    except BadOffer as error:
        raise HTTPException(400, str(error)) from error
    except DoorFull as error:
        raise HTTPException(503, str(error), {"Retry-After": "60"}) from error
    except UnknownCall as error:
        raise HTTPException(404, str(error)) from error


def _bearer(request: Request, *, needed: bool = True) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()[:256]
    if needed:
        raise _refused()
    return ""


def _refused() -> HTTPException:
    return HTTPException(401, "The access key or session token is not valid.", {"WWW-Authenticate": "Bearer"})
