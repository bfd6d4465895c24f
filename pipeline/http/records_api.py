"""HTTP for the record of a session, for the holder of its token."""

from typing import Any, Protocol

from fastapi import APIRouter, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse

from pipeline.http.requests import bearer, refused
from pipeline.http.tickets import Tickets


class Records(Protocol):
    """Where session records are read from."""

    async def record(self, session_id: str) -> dict[str, Any] | None:
        """The whole record of a session as JSON values; None when there is none."""
        ...


def records_api(records: Records, tickets: Tickets) -> APIRouter:
    """The route on which a session's record is read."""
    api = APIRouter()

    @api.get("/api/sessions/{session}")
    async def record(session: str, request: Request) -> JSONResponse:
        if tickets.find(bearer(request), session) is None:
            raise refused()
        found = await records.record(session)
        if found is None:
            raise HTTPException(404, "There is no record of this session yet.")
        return JSONResponse(found, headers={"Cache-Control": "no-store"})

    return api
