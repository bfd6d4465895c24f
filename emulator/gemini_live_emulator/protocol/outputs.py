"""What a conversation asks its shell to do: send, close, transcribe, synthesize, log; carried out in order."""

from __future__ import annotations

from dataclasses import dataclass

from gemini_live_emulator.protocol.wire import Json


@dataclass(frozen=True, slots=True)
class Send:
    """Send a server message."""

    message: Json


@dataclass(frozen=True, slots=True)
class SendRaw:
    """Send a frame that is not a message the service would write."""

    frame: str | bytes


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection with a code and a reason."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """Cut the connection without a close frame; the client sees 1006."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Transcribe this audio (16 kHz) and answer with `transcribed(id, text)`."""

    id: int
    pcm: bytes


@dataclass(frozen=True, slots=True)
class Speak:
    """Say this text and answer with `synthesized(id, pcm)` (24 kHz)."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """Write an event to the truth file."""

    what: str
    fields: Json


Output = Send | SendRaw | Close | Drop | Listen | Speak | Note
