"""The data channel of a SmallWebRTC connection, which reads only what a caller may send."""

import asyncio
import time
from typing import Any

from aiortc import RTCDataChannel
from loguru import logger
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection

from transports.webrtc.messages import MOST_ANSWERS, Allowance, MessageRefused, read

MOST_CHANNELS = 4  # a client opens one; each costs memory

FAILURE = "Something failed on our side. The exam goes on where it can."


class BoundedConnection(SmallWebRTCConnection):
    """A SmallWebRTC connection that takes a closed list of messages, and so many a second."""

    def __init__(self, **kwargs: Any) -> None:
        self._allowance = Allowance()
        self._refused = 0
        self._channels = 0
        self._delivering: set[asyncio.Task[None]] = set()
        super().__init__(**kwargs)

    def _setup_listeners(self) -> None:
        super()._setup_listeners()

        @self._pc.on("datachannel")
        def on_datachannel(channel: RTCDataChannel) -> None:
            channel.remove_all_listeners("message")  # Pipecat's writes each message it cannot read into the log
            self._channels += 1
            if self._channels > MOST_CHANNELS:
                channel.close()
            else:
                channel.on("message", self._on_message)

    def _on_message(self, message: str | bytes) -> None:
        if isinstance(message, str) and message.startswith("ping"):
            self._last_received_time = time.time()
            return
        if not self._allowance.take(asyncio.get_running_loop().time()):
            self._refuse("too many messages")
            return
        try:
            known = read(message)
        except MessageRefused as error:
            self._refuse(str(error))
            if self._refused <= MOST_ANSWERS:
                answer = {"label": "rtvi-ai", "type": "error-response", "id": error.id, "data": {"error": str(error)}}
                self.send_app_message(answer)
            return
        task = asyncio.create_task(self._deliver(known), name="data channel")
        self._delivering.add(task)
        task.add_done_callback(self._delivering.discard)

    async def _deliver(self, message: dict[str, Any]) -> None:
        if message["type"] == "signalling":
            await self._handle_signalling_message(message["message"])
        elif self.is_connected():
            await self._call_event_handler("app-message", message)
        else:
            self._pending_app_messages.append(message)

    def _refuse(self, why: str) -> None:
        self._refused += 1
        if self._refused == 1:
            logger.warning("{}: a message of the caller is not taken ({}); more of them are counted", self.pc_id, why)

    def send_app_message(self, message: Any) -> None:
        """Send a message to the caller. What failed in the pipeline is for the log, not for them."""
        if isinstance(message, dict) and message.get("type") == "error":
            message = {**message, "data": {**message.get("data", {}), "error": FAILURE}}
        super().send_app_message(message)

    async def _close(self) -> None:
        if self._refused > 1:
            logger.warning("{}: {:,} messages of the caller were not taken", self.pc_id, self._refused)
        self._refused = 0
        await super()._close()
