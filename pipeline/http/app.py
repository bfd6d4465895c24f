"""The HTTP application: the page, what it says of the exam, and the APIs for calls and records."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from pipeline.http.guard import Guard
from pipeline.http.records_api import Records, records_api
from pipeline.http.tickets import Tickets
from pipeline.http.webrtc_api import webrtc_api
from transports.call import SignallingListener

WEB = Path(__file__).parent / "web"


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


def create_app(*, listener: SignallingListener, records: Records, info: PageInfo) -> FastAPI:
    """The application in front of a WebRTC listener."""
    app = FastAPI(title=info.name, docs_url=None, redoc_url=None, openapi_url=None)
    tickets = Tickets()

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(WEB / "index.html", headers={"Cache-Control": "no-cache"})

    @app.get("/healthz")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "calls": len(listener.calls)}

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

    @app.exception_handler(StarletteHTTPException)
    async def as_json(request: Request, error: StarletteHTTPException) -> JSONResponse:
        return JSONResponse({"error": str(error.detail)}, error.status_code, headers=error.headers)

    app.include_router(webrtc_api(listener, tickets, records))
    app.include_router(records_api(records, tickets))
    app.mount("/static", StaticFiles(directory=WEB), name="static")
    app.add_middleware(Guard)
    return app
