"""LiveServerMessage -> core.live.messages. Pure, and the only reader of the SDK's message types."""

from collections.abc import Iterator

from google.genai import types

from core.billing.usage import TokenCounts
from core.live.messages import (
    GenerationComplete,
    GoAway,
    HandleUpdated,
    Incoming,
    InputTranscribed,
    Interrupted,
    ModelAudio,
    OutputTranscribed,
    ToolCallReceived,
    ToolsCancelled,
    TurnComplete,
    UsageReceived,
)

# Hz. What the Live API sends when the MIME type has no rate.
DEFAULT_RATE = 24000


def translate(message: types.LiveServerMessage) -> list[Incoming]:
    """Everything a message says, content before what closes the turn: 3.1 bundles several fields into one message."""
    messages: list[Incoming] = []
    if message.session_resumption_update is not None:
        update = message.session_resumption_update
        messages.append(HandleUpdated(update.new_handle if update.resumable and update.new_handle else None))
    if message.go_away is not None:
        messages.append(GoAway(_seconds(message.go_away.time_left)))
    if message.usage_metadata is not None:
        messages.append(UsageReceived(_counts(message.usage_metadata)))
    if message.server_content is not None:
        messages += _content(message.server_content)
    if message.tool_call is not None:
        for call in message.tool_call.function_calls or []:
            messages.append(ToolCallReceived(call.id or "", call.name or "", dict(call.args or {})))
    if message.tool_call_cancellation is not None:
        messages.append(ToolsCancelled(tuple(message.tool_call_cancellation.ids or ())))
    return messages


def _content(content: types.LiveServerContent) -> Iterator[Incoming]:
    for transcription, kind in (
        (content.input_transcription, InputTranscribed),
        (content.output_transcription, OutputTranscribed),
    ):
        if transcription is not None and (transcription.text or transcription.finished):
            yield kind(transcription.text or "", bool(transcription.finished))
    for part in (content.model_turn.parts if content.model_turn else None) or []:
        data = part.inline_data
        if data and data.data and (data.mime_type or "").startswith("audio/pcm"):
            yield ModelAudio(data.data, _rate(data.mime_type or ""))
    if content.interrupted:
        yield Interrupted()
    if content.generation_complete:
        yield GenerationComplete()
    if content.turn_complete:
        reason = content.turn_complete_reason
        yield TurnComplete(reason.value if reason else "")


def _rate(mime_type: str) -> int:
    for parameter in mime_type.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name == "rate" and value.isdecimal():
            return int(value)
    return DEFAULT_RATE


def _seconds(duration: str | None) -> float:
    """A protobuf Duration in JSON: "50s", "1.5s"."""
    try:
        return float((duration or "0s").removesuffix("s"))
    except ValueError:
        return 0.0


def _counts(usage: types.UsageMetadata) -> TokenCounts:
    # Tokens of tool results are part of what the model reads, so they are billed with the prompt.
    return TokenCounts(
        prompt=by_modality(usage.prompt_tokens_details, usage.tool_use_prompt_tokens_details),
        response=by_modality(usage.response_tokens_details),
        prompt_total=(usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0),
        response_total=usage.response_token_count or 0,
        thoughts=usage.thoughts_token_count or 0,
        total=usage.total_token_count or 0,
    )


def by_modality(*details: list[types.ModalityTokenCount] | None) -> dict[str, int]:
    """Token details summed by the modality's name in lower case."""
    counts: dict[str, int] = {}
    for detail in (one for some in details for one in some or []):
        modality = detail.modality.value.lower() if detail.modality else "text"
        counts[modality] = counts.get(modality, 0) + (detail.token_count or 0)
    return counts
