"""The JSON of both directions: every spelling the service accepts, and what it answers to the rest.

A message is checked against a table of names and comes out in camelCase with its bytes decoded.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Final, cast

from gemini_live_emulator.protocol.schema import ENUMS, MESSAGES

Json = dict[str, Any]

# RFC 6455 section 5.5: a control frame holds 125 bytes, two of them the close code.
REASON_LIMIT: Final = 123


class Refused(Exception):
    """A message for which the service closes the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


INVALID_ARGUMENT: Final = "Request contains an invalid argument."

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_URL_SAFE = str.maketrans("-_", "+/")


def an_object(value: object) -> Json | None:
    """Give the value back if it is a JSON object."""
    return cast("Json", value) if isinstance(value, dict) else None


def a_list(value: object) -> list[Any] | None:
    """Give the value back if it is a JSON list."""
    return cast("list[Any]", value) if isinstance(value, list) else None


def snake(name: str) -> str:
    """Spell a camelCase name with underscores, as the service does in its error texts."""
    return _HUMP.sub(lambda hit: "_" + hit.group(1).lower(), name)


# Both spellings of every name lead to the camelCase one and its type.
_FIELDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    message: {spelling: (name, kind) for name, kind in fields.items() for spelling in {name, snake(name)}}
    for message, fields in MESSAGES.items()
}


def decode(frame: str | bytes) -> Json:
    """Read one client frame, or refuse it as the service would."""
    try:
        raw: Any = json.loads(frame)
    except (ValueError, RecursionError):
        raise Refused(1007, "Invalid JSON payload received. Unexpected token.") from None
    message = an_object(raw)
    if message is None:
        raise Refused(1007, "Invalid JSON payload received. Root element must be a message.")
    return read(message, "ClientMessage")


def read(raw: Json, message: str, path: str = "") -> Json:
    """Check a JSON object against a message of the table and spell its names in camelCase."""
    fields = _FIELDS[message]
    found: Json = {}
    for key, value in raw.items():
        field = fields.get(key)
        if field is None:
            where = f" at '{path}'" if path else ""
            raise Refused(
                1007,
                f'Invalid JSON payload received. Unknown name "{key}"{where}: Cannot find field.',
            )
        name, kind = field
        if value is None:
            if kind.endswith("!"):
                # `handle: null` is refused although proto-JSON would read it as absent
                # (strands-agents/harness-sdk issue 1999).
                raise Refused(1007, INVALID_ARGUMENT)
            continue
        found[name] = _value(value, kind, f"{path}.{snake(name)}" if path else snake(name))
    return found


def _value(value: Any, kind: str, path: str) -> Any:
    if kind in _FIELDS:
        message = an_object(value)
        if message is None:
            raise _wrong(path, kind, value)
        return read(message, kind, path)
    match kind[0]:
        case "[":
            # proto-JSON reads a single value as a list of one.
            items = a_list(value)
            items = [value] if items is None else items
            return [_value(v, kind[1:-1], f"{path}[{i}]") for i, v in enumerate(items)]
        case "{":
            entries = an_object(value)
            if entries is None:
                raise _wrong(path, "map", value)
            return {k: _value(v, kind[1:-1], f"{path}.{k}") for k, v in entries.items()}
        case _:
            return _scalar(value, kind.rstrip("!"), path)


def _scalar(value: Any, kind: str, path: str) -> Any:
    match kind:
        case "any":
            return value
        case "object":
            if isinstance(value, dict):
                return cast("Json", value)
        case "string":
            if isinstance(value, str):
                return value
        case "bool":
            if isinstance(value, bool):
                return value
        case "int" | "float":
            return _number(value, kind, path)
        case "bytes":
            if isinstance(value, str):
                return unbase64(value, path)
        case _:
            if isinstance(value, str) and value.upper() in ENUMS[kind]:
                return value.upper()
    raise _wrong(path, kind, value)


def _number(value: Any, kind: str, path: str) -> float | int:
    # proto-JSON takes numbers written as strings, and whole floats for integers.
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
            if kind == "float":
                return number
            if number == int(number):
                return int(number)
        except (ValueError, OverflowError):
            pass
    raise _wrong(path, kind, value)


def unbase64(text: str, path: str = "data") -> bytes:
    """Decode base64 in the standard or the URL-safe alphabet, padded or not."""
    # googleapis/python-genai sends the URL-safe alphabet, browsers the standard one.
    if "-" in text or "_" in text:
        text = text.translate(_URL_SAFE)
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except (ValueError, binascii.Error):
        raise Refused(1007, f"Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed.") from None


def _wrong(path: str, kind: str, value: Any) -> Refused:
    shown = json.dumps(value, default=str)
    return Refused(1007, f"Invalid value at '{path}' (TYPE_{kind.upper().rstrip('!')}), {shown}")


def encode(message: Json) -> bytes:
    """Write a server message as the service does: camelCase JSON without blanks."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def base64_of(data: bytes) -> str:
    """Encode bytes as padded base64; googleapis/python-genai rejects unpadded text."""
    return base64.b64encode(data).decode("ascii")


def cut_reason(reason: str) -> str:
    """Shorten a close reason to what a close frame can hold."""
    raw = reason.encode()
    return raw[:REASON_LIMIT].decode(errors="ignore")


def rate_of(mime: str) -> int | None:
    """Read the sample rate from an audio MIME type, or None if it is not PCM audio."""
    head, *rest = (part.strip() for part in mime.lower().split(";"))
    if head not in ("audio/pcm", "audio/l16"):
        return None
    for part in rest:
        key, _, value = part.partition("=")
        if key == "rate" and value.isdigit() and 1000 <= int(value) <= 192_000:
            return int(value)
    return 16_000
