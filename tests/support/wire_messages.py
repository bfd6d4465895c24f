"""What goes to the Live service as the JSON of its protocol, for whoever stands in for the SDK's client."""

from collections.abc import Sequence
from typing import Any

from core.live.messages import Audio, EndActivity, InTurnText, Outgoing, StartActivity, TextTurn, ToolResult
from core.live.model_facts import ModelFacts
from gemini_live_emulator.protocol.wire import base64_of

Json = dict[str, Any]


def wire_messages(item: Outgoing, facts: ModelFacts) -> list[Json]:
    """The client messages, in order, that processors/gemini_live/connection has the SDK send for one item."""
    match item:
        case StartActivity():
            return [{"realtimeInput": {"activityStart": {}}}]
        case EndActivity():
            return [{"realtimeInput": {"activityEnd": {}}}]
        case Audio(pcm, rate):
            return [{"realtimeInput": {"audio": {"mimeType": f"audio/pcm;rate={rate}", "data": base64_of(pcm)}}}]
        case TextTurn(text) | InTurnText(text) if facts.text == "content":
            content = {"turns": [{"role": "user", "parts": [{"text": text}]}]}
            return [{"clientContent": content | {"turnComplete": isinstance(item, TextTurn)}}]
        case InTurnText(text):
            return [{"realtimeInput": {"text": text}}]
        case TextTurn(text):
            return [{"realtimeInput": part} for part in ({"activityStart": {}}, {"text": text}, {"activityEnd": {}})]
        case ToolResult(id, name, result):
            return [{"toolResponse": {"functionResponses": [{"id": id, "name": name, "response": result}]}}]


def history_message(turns: Sequence[tuple[str, str]], facts: ModelFacts) -> Json:
    """The client message that gives a new session the conversation so far, as (role, text)."""
    contents = [{"role": role, "parts": [{"text": text}]} for role, text in turns]
    return {"clientContent": {"turns": contents, "turnComplete": facts.history == "initial"}}
