"""What a caller may send over the data channel: a closed list, each field bounded, and so many a second.

RTVI, Pipecat's client protocol, has messages with which a client appends to the model's context, answers the model's
function calls, or puts audio of any length in the pipeline. Whoever takes an exam may do none of that.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

LONGEST = 8192  # characters or bytes of a message; those of Pipecat's clients have some hundred
RATE = 10.0  # messages a second that are read, besides pings
BURST = 50.0  # that may come at once
MOST_ANSWERS = 20  # refusals of one caller that are answered

UNKNOWN = "This server takes client-ready, client-message and disconnect-bot, no other."


class _Bounded(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


_Word = Annotated[str, Field(max_length=64)]


class _About(_Bounded):
    library: _Word = "unknown"
    library_version: _Word | None = None
    platform: _Word | None = None
    platform_version: _Word | None = None


class _Ready(_Bounded):
    version: str = Field("0.0.0", pattern=r"^[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}$")
    about: _About | None = None


class _Asked(_Bounded):
    t: _Word
    d: Any = None


class _Rtvi(_Bounded):
    label: Literal["rtvi-ai"]
    id: _Word


class ClientReady(_Rtvi):
    """The client is there and says what it is."""

    type: Literal["client-ready"]
    data: _Ready | None = None


class ClientMessage(_Rtvi):
    """Something that the client asks of the server; `end` ends the call."""

    type: Literal["client-message"]
    data: _Asked


class DisconnectBot(_Rtvi):
    """The client ends the call, as Pipecat's `disconnectBot()` says it."""

    type: Literal["disconnect-bot"]


class _TrackStatus(_Bounded):
    type: Literal["trackStatus"]
    receiver_index: int = Field(ge=0, le=7)
    enabled: bool


class Signalling(_Bounded):
    """SmallWebRTC's own message: a track was muted or unmuted."""

    type: Literal["signalling"]
    message: _TrackStatus


_ADAPTER: TypeAdapter[ClientReady | ClientMessage | DisconnectBot | Signalling] = TypeAdapter(
    Annotated[ClientReady | ClientMessage | DisconnectBot | Signalling, Field(discriminator="type")]
)


class MessageRefused(ValueError):
    """A message that is not on the list, or has a field that is out of bounds; says so in a sentence.

    `id` is what the client called it, "" where that is unknown.
    """

    def __init__(self, sentence: str, id: str = "") -> None:
        super().__init__(sentence)
        self.id = id


def read(message: str | bytes) -> dict[str, Any]:
    """A message as Pipecat is given it, with the fields that are known and no others. Raises MessageRefused."""
    if len(message) > LONGEST:
        raise MessageRefused(f"A message has at most {LONGEST} characters.")
    try:
        known = _ADAPTER.validate_json(message)
    except ValidationError as error:
        kinds = {one["type"] for one in error.errors(include_url=False, include_input=False)}
        sentence = UNKNOWN if "union_tag_invalid" in kinds else "The message could not be read."
        raise MessageRefused(sentence, _id(message)) from None
    if isinstance(known, DisconnectBot):  # which Pipecat would carry out as an end without a reason
        known = ClientMessage(label="rtvi-ai", id=known.id, type="client-message", data=_Asked(t="end"))
    return known.model_dump(exclude_none=True)


def _id(message: str | bytes) -> str:
    try:
        return _Rtvi.model_validate_json(message).id
    except ValidationError:
        return ""


class Allowance:
    """How many messages may still come: BURST at once, and RATE more in every second."""

    def __init__(self) -> None:
        self._left = BURST
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may come now, in seconds of any clock that never goes back."""
        self._left = min(BURST, self._left + (now - self._at) * RATE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
