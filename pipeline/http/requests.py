"""The bodies of HTTP requests, read within limits, and the errors that they are answered with."""

from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import Request
from fastapi.exceptions import HTTPException
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.http.connections import network
from transports.webrtc.listener import BadOffer, ListenerFull, UnknownCall


class Body(BaseModel):
    """The JSON body of a request."""

    # Pipecat's clients send fields of their own, so unknown ones are ignored.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Begin(Body):
    """A request for a session: whether the candidate consents to it, and their name or ""."""

    consent: bool = False
    caller: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] = ""


class OfferOrigin(Body):
    """Where an offer of a Pipecat client comes from: the session and token it has, or only a name."""

    session: str | None = Field(None, max_length=64)
    token: str | None = Field(None, max_length=128)
    caller: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] = ""


class Offer(Body):
    """An SDP offer; with `pc_id` a further one for that peer connection, with `restart_pc` in place of it."""

    sdp: str
    type: str
    pc_id: str | None = Field(None, max_length=128)
    restart_pc: bool | None = None
    requestData: OfferOrigin | None = None  # the name is Pipecat's


class Candidate(Body):
    """One ICE candidate, as Pipecat's clients write RTCIceCandidate."""

    candidate: str | None = Field(None, max_length=1024)
    sdp_mid: str | None = Field(None, max_length=64)
    sdp_mline_index: int | None = Field(None, ge=0, le=64)


class Candidates(Body):
    """The ICE candidates of a peer connection that were found after its offer."""

    pc_id: str = Field(max_length=128)
    candidates: list[Candidate] = Field(max_length=64)


T = TypeVar("T")
Shape = TypeVar("Shape", bound=BaseModel)


async def read(request: Request, shape: type[Shape]) -> Shape:
    """The body of a request as a model. Raises HTTP 400 with the first thing that is wrong with it."""
    try:
        return shape.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HTTPException(
            400, f"The request could not be read: {where + ': ' if where else ''}{first['msg']}."
        ) from None


async def answered(answer: Awaitable[T]) -> T:
    """The listener's answer, its errors raised as HTTP errors."""
    try:
        return await answer
    except BadOffer as error:
        raise HTTPException(400, str(error)) from error
    except ListenerFull as error:
        raise HTTPException(503, str(error), {"Retry-After": "60"}) from error
    except UnknownCall as error:
        raise HTTPException(404, str(error)) from error


def address_of(request: Request) -> str:
    """Whose request it is: the client's address, as a trusted proxy has it; of IPv6 its /64."""
    return network(request.client.host) if request.client else "an unknown address"


def bearer(request: Request, *, needed: bool = True) -> str:
    """The bearer token of a request, at most 256 characters of it.

    Without one, raises HTTP 401, or returns "" where none is `needed`.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()[:256]
    if needed:
        raise refused()
    return ""


def refused() -> HTTPException:
    """The HTTP 401 for a key or token that is not valid."""
    return HTTPException(401, "The access key or session token is not valid.", {"WWW-Authenticate": "Bearer"})
