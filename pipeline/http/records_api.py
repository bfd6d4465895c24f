"""HTTP for the record of a session, for the holder of its token."""

from typing import Any, Protocol

from fastapi import APIRouter, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse

from pipeline.http.requests import bearer, refused
from pipeline.http.tickets import Tickets
from pipeline.record.models import StoreError

RETRY = {"Retry-After": "60"}


class Records(Protocol):
    """Where session records are read from."""

    async def record(self, session_id: str) -> dict[str, Any] | None:
        """The whole record of a session as JSON values; None when there is none. Raises StoreError."""
        ...

    async def ready(self) -> bool:
        """Whether a call could be recorded now."""
        ...


async def check_ready(records: Records) -> None:
    """Raise HTTP 503 when a call could not be recorded: nobody is to be examined for nothing."""
    if not await records.ready():
        raise HTTPException(503, "No exam can be recorded at the moment; try again in a minute.", RETRY)


def records_api(records: Records, tickets: Tickets) -> APIRouter:
    """The route on which a session's record is read."""
    api = APIRouter()

    @api.get("/api/sessions/{session}")
    async def record(session: str, request: Request) -> JSONResponse:
        if tickets.find(bearer(request), session) is None:
            raise refused()
        try:
            found = await records.record(session)
        except StoreError as error:
            raise HTTPException(503, "The record cannot be read now; try again in a minute.", RETRY) from error
        if found is None:
            raise HTTPException(404, "There is no record of this session yet.")
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    return api
