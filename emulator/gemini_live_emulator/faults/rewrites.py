"""Small filters on server messages: a message in, what is sent instead of it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Final

from gemini_live_emulator.protocol.outputs import Output, Send, SendRaw
from gemini_live_emulator.protocol.wire import Json, a_list, an_object, base64_of, encode

Rewrite = Callable[[Json], Iterator[Output]]

# Keys of UsageMetadata with tokens by modality; Vertex has its own for the answer.
DETAILS: Final = ("promptTokensDetails", "responseTokensDetails", "candidatesTokensDetails")


def content(message: Json) -> Json:
    """Give the serverContent of a message, or nothing."""
    return an_object(message.get("serverContent")) or {}


def names(message: Json) -> set[str]:
    """Name what a message carries: its own keys and those of its serverContent."""
    found = set(message) | set(content(message))
    if "modelTurn" in found:
        found.add("audio")
    return found


def without(message: Json, *keys: str) -> Iterator[Output]:
    """Send a message without some keys; if nothing is left, send nothing."""
    left = {key: value for key, value in message.items() if key not in keys}
    inner = {key: value for key, value in content(message).items() if key not in keys}
    if "serverContent" in left:
        left["serverContent"] = inner
        if not inner:
            del left["serverContent"]
    if left:
        yield Send(left)


def drop_turn_complete(message: Json) -> Iterator[Output]:
    """Lose turnComplete and what came with it."""
    if "turnComplete" not in content(message):
        yield Send(message)


def drop_usage(message: Json) -> Iterator[Output]:
    """Lose usageMetadata."""
    yield from without(message, "usageMetadata")


def drop_details(message: Json) -> Iterator[Output]:
    """Lose the tokens by modality."""
    yield from _usage(message, lambda usage: {k: v for k, v in usage.items() if k not in DETAILS})


def total_only(message: Json) -> Iterator[Output]:
    """Leave nothing of the usage but the total."""
    yield from _usage(message, lambda usage: {"totalTokenCount": usage.get("totalTokenCount", 0)})


def short_details(message: Json) -> Iterator[Output]:
    """Let the modalities of the prompt not add up, as they did not on 3.8."""

    def shorten(usage: Json) -> Json:
        details = deepcopy(usage.get("promptTokensDetails", []))
        for detail in details[:1]:
            detail["tokenCount"] = max(0, detail["tokenCount"] - 25)
        return usage | ({"promptTokensDetails": details} if details else {})

    yield from _usage(message, shorten)


def tiny_audio(message: Json) -> Iterator[Output]:
    """Count the audio of the prompt as three tokens."""

    def shrink(usage: Json) -> Json:
        details = deepcopy(usage.get("promptTokensDetails", []))
        for detail in details:
            if detail["modality"] == "AUDIO":
                detail["tokenCount"] = min(3, detail["tokenCount"])
        return usage | ({"promptTokensDetails": details} if details else {})

    yield from _usage(message, shrink)


def usage_apart(message: Json) -> Iterator[Output]:
    """Send usage in a message of its own, before the one it belonged to."""
    usage = message.get("usageMetadata")
    if usage is not None:
        yield Send({"serverContent": {}, "usageMetadata": usage})
    yield from without(message, "usageMetadata")


def usage_twice(message: Json) -> Iterator[Output]:
    """Send the same usage in two messages."""
    if "usageMetadata" in message:
        yield Send({"serverContent": {}, "usageMetadata": message["usageMetadata"]})
    yield Send(message)


def _usage(message: Json, change: Callable[[Json], Json]) -> Iterator[Output]:
    usage = an_object(message.get("usageMetadata"))
    yield Send(message if usage is None else message | {"usageMetadata": change(usage)})


def drop_input_text(message: Json) -> Iterator[Output]:
    """Lose inputTranscription."""
    yield from without(message, "inputTranscription")


def drop_output_text(message: Json) -> Iterator[Output]:
    """Lose outputTranscription."""
    yield from without(message, "outputTranscription")


def double_input_text(message: Json) -> Iterator[Output]:
    """Send each inputTranscription twice."""
    yield Send(message)
    text = content(message).get("inputTranscription")
    if text is not None:
        yield Send({"serverContent": {"inputTranscription": text}})


def drop_audio(message: Json) -> Iterator[Output]:
    """Lose the model's audio, not its words."""
    yield from without(message, "modelTurn")


def drop_content(message: Json) -> Iterator[Output]:
    """Lose all content: the session is mute."""
    if "serverContent" not in message:
        yield Send(message)


def empty_turn(message: Json) -> Iterator[Output]:
    """Let a turn complete without any output."""
    yield from without(message, "modelTurn", "outputTranscription")


def drop_updates(message: Json) -> Iterator[Output]:
    """Lose every resumption update."""
    if "sessionResumptionUpdate" not in message:
        yield Send(message)


def never_resumable(message: Json) -> Iterator[Output]:
    """Say each time that the session cannot be resumed."""
    if "sessionResumptionUpdate" in message:
        yield Send({"sessionResumptionUpdate": {"newHandle": "", "resumable": False}})
    else:
        yield Send(message)


def drop_go_away(message: Json) -> Iterator[Output]:
    """Lose goAway."""
    if "goAway" not in message:
        yield Send(message)


def drop_setup_complete(message: Json) -> Iterator[Output]:
    """Lose setupComplete."""
    if "setupComplete" not in message:
        yield Send(message)


def late_setup_complete(message: Json) -> Iterator[Output]:
    """Send another message before setupComplete."""
    if "setupComplete" in message:
        yield Send({"sessionResumptionUpdate": {"newHandle": "", "resumable": False}})
    yield Send(message)


def trailing_audio(message: Json) -> Iterator[Output]:
    """Let audio follow a toolCall."""
    yield Send(message)
    if "toolCall" in message:
        audio = {"mimeType": "audio/pcm;rate=24000", "data": base64_of(bytes(9_600))}
        yield Send({"serverContent": {"modelTurn": {"parts": [{"inlineData": audio}]}}})


def cancelled_call(message: Json) -> Iterator[Output]:
    """Take a toolCall back at once."""
    yield Send(message)
    for calls in (an_object(message.get("toolCall")) or {},):
        ids = [call["id"] for call in calls.get("functionCalls", ()) if "id" in call]
        if ids:
            yield Send({"toolCallCancellation": {"ids": ids}})


def drop_call(message: Json) -> Iterator[Output]:
    """Lose a toolCall; the model waits for an answer that cannot come."""
    if "toolCall" not in message:
        yield Send(message)


def malformed_call(message: Json) -> Iterator[Output]:
    """Give up a turn because the call came out malformed."""
    if "toolCall" in message:
        yield Send({"serverContent": {"turnComplete": True, "turnCompleteReason": "MALFORMED_FUNCTION_CALL"}})
    else:
        yield Send(message)


def waiting_for_input(message: Json) -> Iterator[Output]:
    """Say that the model waits for more from the user."""
    if "turnComplete" in content(message):
        more = {"turnCompleteReason": "NEED_MORE_INPUT", "waitingForInput": True}
        yield Send(message | {"serverContent": content(message) | more})
    else:
        yield Send(message)


def late_interrupted(message: Json) -> Iterator[Output]:
    """Let `interrupted` follow turnComplete."""
    yield Send(message)
    if "turnComplete" in content(message):
        yield Send({"serverContent": {"interrupted": True}})


def bare_mime(message: Json) -> Iterator[Output]:
    """Name the audio without its rate."""
    yield from _audio(message, lambda blob: blob | {"mimeType": "audio/pcm"})


def url_safe(message: Json) -> Iterator[Output]:
    """Write audio in the URL-safe alphabet."""
    yield from _audio(message, lambda blob: blob | {"data": blob["data"].replace("+", "-").replace("/", "_")})


def _audio(message: Json, change: Callable[[Json], Json]) -> Iterator[Output]:
    changed = deepcopy(message)
    turn = an_object(content(changed).get("modelTurn")) or {}
    for part in map(an_object, a_list(turn.get("parts")) or ()):
        if part is not None and "inlineData" in part:
            part["inlineData"] = change(part["inlineData"])
    yield Send(changed)


def two_parts(message: Json) -> Iterator[Output]:
    """Put audio into the second part of a message; a reader of parts[0] loses it."""
    changed = deepcopy(message)
    turn = content(changed).get("modelTurn")
    if turn:
        turn["parts"].insert(0, {"text": "", "thought": True})
    yield Send(changed)


def extra_fields(message: Json) -> Iterator[Output]:
    """Add names that no SDK knows beside the known ones."""
    yield Send(message | {"somethingNew": {"level": 1}})


def text_frame(message: Json) -> Iterator[Output]:
    """Send a message as a text frame."""
    yield SendRaw(encode(message).decode())
