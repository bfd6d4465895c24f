"""The security headers of every response, the size limit of every request, and errors as one sentence."""

from loguru import logger
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Bytes. An SDP offer of a browser with camera, screen and every codec is about 12 kB.
MOST_BODY = 64 * 1024

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=(), display-capture=()",
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class _TooMuch(Exception):
    pass


class Guard:
    """ASGI middleware: adds the headers, and answers a request that is too long or failed with one sentence."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        size, begun = 0, False

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MOST_BODY:
                raise _TooMuch
            return message

        async def with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, limited, with_headers)
        except _TooMuch:
            refusal = JSONResponse({"error": f"The request is too long; at most {MOST_BODY} bytes are read."}, 413)
        except ClientDisconnect:
            return  # nobody is there to be answered, and nothing of ours went wrong
        except Exception:  # whatever it was, the visitor gets one sentence and the log the rest
            logger.exception("{} {} failed", scope["method"], scope["path"])
            refusal = JSONResponse({"error": "Something went wrong on our side; try again."}, 500)
        else:
            return
        if not begun:
            await refusal(scope, receive, with_headers)
