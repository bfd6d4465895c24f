"""What goes out together: speech in messages of a useful size, in front of whatever follows it."""

import socket
import ssl
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import errors
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidMessage, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from core.live.close_codes import CloseAction
from core.live.messages import Audio, EndActivity, InTurnText, Outgoing, StartActivity
from core.live.model_facts import model_facts
from processors.gemini_live.connection import Connection, lost_error

MODEL = "gemini-3.8-live"
FRAME = bytes(range(256)) * 4  # 32 ms at 16 kHz


def sent(*calls: tuple[Outgoing, ...], chunk: float = 0.08) -> list[Outgoing]:
    """What is queued after these calls of `send`."""
    connection = Connection(genai.Client(api_key="none"), MODEL, model_facts(MODEL), chunk)
    for items in calls:
        connection.send(*items)
    return [item for items in connection._outbox for item in items]  # pyright: ignore


def speech(frames: int) -> list[tuple[Outgoing, ...]]:
    return [(Audio(FRAME, 16_000),)] * frames


def test_speech_goes_out_in_messages_of_at_least_the_chunk() -> None:
    assert sent(*speech(6)) == [Audio(FRAME * 3, 16_000)] * 2


def test_the_end_of_a_turn_waits_for_no_more_speech_and_overtakes_none() -> None:
    assert sent((StartActivity(),), *speech(4), (EndActivity(),)) == [
        StartActivity(),
        Audio(FRAME * 3, 16_000),
        Audio(FRAME, 16_000),
        EndActivity(),
    ]


def test_a_flush_stays_between_the_speech_before_and_after_it() -> None:
    flush = (EndActivity(), StartActivity())
    assert sent(*speech(1), flush, *speech(3)) == [Audio(FRAME, 16_000), *flush, Audio(FRAME * 3, 16_000)]


def test_speech_of_two_rates_is_not_mixed() -> None:
    assert sent((Audio(FRAME, 8_000),), *speech(3)) == [Audio(FRAME, 8_000), Audio(FRAME * 3, 16_000)]


class Wire:
    """Keeps what the SDK was asked to send."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    async def send_realtime_input(self, **what: Any) -> None:
        self.sent.append(("realtime", what))

    async def send_client_content(self, **what: Any) -> None:
        self.sent.append(("content", what))


@pytest.mark.parametrize(
    ("model", "how"), [(MODEL, "realtime"), ("gemini-2.5-flash-native-audio-preview-12-2025", "content")]
)
async def test_words_into_an_open_window_neither_open_nor_end_a_turn(model: str, how: str) -> None:
    connection, wire = Connection(genai.Client(api_key="none"), model, model_facts(model)), Wire()
    await connection._send(wire, InTurnText("Go on."))  # pyright: ignore
    [(kind, what)] = wire.sent
    assert kind == how
    assert what == {"text": "Go on."} if how == "realtime" else what["turn_complete"] is False


@pytest.mark.parametrize(
    ("error", "code", "action"),
    [
        (errors.APIError(1011, {"details": "Internal error encountered."}), 1011, CloseAction.RESUME),
        (errors.ServerError(500, {"message": "Internal error", "status": "INTERNAL"}), 500, CloseAction.RESUME),
        (errors.ClientError(403, {"message": "No.", "status": "PERMISSION_DENIED"}), 403, CloseAction.GIVE_UP),
        (TypeError("'<=' not supported between instances of 'int' and 'NoneType'"), 0, CloseAction.RESUME),
        (ValueError("Failed to parse response"), 0, CloseAction.RESUME),
        (TimeoutError(), 0, CloseAction.RESUME),
    ],
)
def test_whatever_the_sdk_raises_on_an_open_connection_has_an_action(
    error: Exception, code: int, action: CloseAction
) -> None:
    end = lost_error(error)
    assert (end.code, end.action) == (code, action) and end.meaning


@pytest.mark.parametrize(
    "error",
    [
        InvalidMessage("did not receive a valid HTTP response"),
        EOFError("connection closed while reading HTTP status line"),
        ssl.SSLCertVerificationError(1, "certificate verify failed"),
        socket.gaierror(-3, "Temporary failure in name resolution"),
        ConnectionResetError(104, "Connection reset by peer"),
        ValueError("Failed to parse response: b'<html> not supported in</html>'"),
        RuntimeError("something new"),
        ConnectionClosedError(Close(1005, ""), None),
        ConnectionClosedError(None, None),
        errors.APIError(1007, {"details": "Something new"}),
        errors.APIError(1005, {"details": ""}),
    ],
    ids=repr,
)
@pytest.mark.parametrize("opened", [True, False])
def test_what_is_not_listed_is_tried_again_whenever_it_comes(error: Exception, opened: bool) -> None:
    assert lost_error(error, opened=opened).action is CloseAction.RESUME


def test_what_the_sdk_refuses_before_it_dials_is_not_tried_again() -> None:
    refused = ValueError("vad_signal parameter is not supported in Gemini API.")
    assert lost_error(refused, opened=False).action is CloseAction.GIVE_UP
    assert lost_error(UnicodeEncodeError("ascii", "\u200b", 0, 1, "no"), opened=False).action is CloseAction.GIVE_UP


def refused(status: int, answer: str) -> InvalidStatus:
    """The upgrade was answered with this."""
    return InvalidStatus(Response(status, "", Headers(), answer.encode()))


def test_the_answer_that_refuses_a_connection_is_read() -> None:
    depleted = "Your prepayment credits are depleted."
    end = lost_error(refused(429, depleted), opened=False)
    assert (end.code, end.action) == (429, CloseAction.GIVE_UP) and "buy credits" in end.meaning
    assert depleted not in end.meaning + end.reason, "somebody else's text"
    assert lost_error(refused(429, "Slow down."), opened=False).action is CloseAction.WAIT
    assert lost_error(refused(400, "<html>"), opened=False).action is CloseAction.RESUME
    in_place = errors.ClientError(400, {"message": "API key not valid.", "status": "INVALID_ARGUMENT"})
    assert lost_error(in_place).action is CloseAction.GIVE_UP


def test_a_library_s_text_with_our_header_in_it_is_no_reason_that_is_recorded() -> None:
    secret = "AIzaSyD-9tSrke72PouQMnMX"
    with pytest.raises(UnicodeEncodeError) as raised:
        httpx.Request("GET", "https://localhost", headers={"x-goog-api-key": f"{secret}\u200b"})
    for error in (raised.value, ValueError(f"x-goog-api-key: {secret}"), OSError(f"GET /?key={secret}")):
        error.__traceback__ = raised.value.__traceback__  # as a library raises it
        for opened in (True, False):
            end = lost_error(error, opened=opened)
            assert secret[:6] not in end.reason + end.meaning + str(end) and end.reason
