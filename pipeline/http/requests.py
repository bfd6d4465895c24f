"""What a request to the HTTP application may hold, and how a refusal is told."""

from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import Request
from fastapi.exceptions import HTTPException
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from transports.webrtc.listener import BadOffer, ListenerFull, UnknownCall


class Body(BaseModel):
    # Pipecat's clients send fields of their own, so unknown ones are passed over.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Begin(Body):
    consent: bool = False
    caller: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] = ""


class OfferOrigin(Body):
    session: str | None = Field(None, max_length=64)
    token: str | None = Field(None, max_length=128)
    caller: Annotated[str, StringConstraints(strip_whitespace=True, max_length=120)] = ""


class Offer(Body):
    sdp: str
    type: str
    pc_id: str | None = Field(None, max_length=128)
    restart_pc: bool | None = None
    requestData: OfferOrigin | None = None  # the name is Pipecat's


class Candidate(Body):
    candidate: str | None = Field(None, max_length=1024)
    sdp_mid: str | None = Field(None, max_length=64)
    sdp_mline_index: int | None = Field(None, ge=0, le=64)


class Candidates(Body):
    pc_id: str = Field(max_length=128)
    candidates: list[Candidate] = Field(max_length=64)


T = TypeVar("T")


Shape = TypeVar("Shape", bound=BaseModel)


async def read(request: Request, shape: type[Shape]) -> Shape:
    try:
        return shape.model_validate_json(await request.body())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise HTTPException(
            400, f"The request could not be read: {where + ': ' if where else ''}{first['msg']}."
        ) from None


async def answered(asked: Awaitable[T]) -> T:
    """What the door answered, its refusals as HTTP errors."""
    try:
        return await asked
    except BadOffer as error:
        raise HTTPException(400, str(error)) from error
    except ListenerFull as error:
        raise HTTPException(503, str(error), {"Retry-After": "60"}) from error
    except UnknownCall as error:
        raise HTTPException(404, str(error)) from error


def bearer(request: Request, *, needed: bool = True) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()[:256]
    if needed:
        raise refused()
    return ""


def refused() -> HTTPException:
    return HTTPException(401, "The access key or session token is not valid.", {"WWW-Authenticate": "Bearer"})
