"""A setup message, checked as the service checks it, and the session config that follows from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from gemini_live_emulator.protocol.functions import Function, declared
from gemini_live_emulator.protocol.model_facts import Model, bare
from gemini_live_emulator.protocol.wire import INVALID_ARGUMENT, Json, Refused
from gemini_live_emulator.scenario import Scenario

NO_VOICE: Final = "Cannot extract voices from a non-audio request."


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """The configuration of one connection."""

    name: str
    model: Model
    vertex: bool = False
    text_only: bool = False
    manual: bool = False
    interrupts: bool = True
    coverage: str = "TURN_INCLUDES_ONLY_ACTIVITY"
    prefix: float = 0.1
    silence: float = 0.5
    transcribe_input: bool = False
    transcribe_output: bool = False
    resumption: bool = False
    handle: str | None = None
    transparent: bool = False
    trigger: int | None = None
    target: int | None = None
    history_first: bool = False
    signals: bool = False
    system: str = ""
    functions: tuple[Function, ...] = ()

    @property
    def bills_all(self) -> bool:
        """Whether all the audio that arrives is billed, or only that of activities."""
        return not self.manual and (self.coverage == "TURN_INCLUDES_ALL_INPUT" or self.model.bills_silence)

    def updated(self, update: Json) -> SessionConfig:
        """Apply a contextUpdate."""
        new = self
        if "systemInstruction" in update:
            new = replace(new, system=text_of(update["systemInstruction"]))
        if "tools" in update:
            # An empty list clears the tools, an absent one leaves them
            # (googleapis/python-genai types.py, LiveClientContextUpdateTools).
            new = replace(new, functions=tuple(declared(update["tools"].get("tools", ()))))
        return new

    def preamble(self) -> str:
        """Everything of the setup that costs tokens on every turn."""
        functions = [(f.name, f.parameters) for f in self.functions]
        return self.system + (json.dumps(functions) if functions else "")

    def behavior(self, function: str) -> str:
        """Say whether a call of this function blocks the model."""
        for known in self.functions:
            if known.name == function and known.behavior in self.model.behaviors:
                return str(known.behavior)
        return self.model.default_behavior


def text_of(content: Json) -> str:
    """Join the text parts of a Content."""
    return " ".join(part["text"] for part in content.get("parts", ()) if part.get("text"))


def history_text(turns: Sequence[Json]) -> str:
    """Join the text of the user's turns."""
    return " ".join(text for turn in turns if turn.get("role") != "model" and (text := text_of(turn))).strip()


def accept_setup(setup: Json, scenario: Scenario, version: str, vertex: bool) -> SessionConfig:
    """Accept a setup message, or refuse it with the service's code and reason."""
    name = str(setup.get("model", ""))
    model = scenario.find_model(name)
    if model is None:
        raise Refused(
            1008,
            f"{name} is not found for API version {version}, or is not supported for bidiGenerateContent",
        )
    generation: Json = setup.get("generationConfig", {})
    modalities: list[str] = generation.get("responseModalities") or ["AUDIO"]
    # One modality a session; a model that only speaks refuses TEXT with this reason.
    if len(modalities) != 1:
        raise Refused(1007, INVALID_ARGUMENT)
    if modalities[0] not in model.modalities:
        raise Refused(1007, NO_VOICE if modalities[0] == "TEXT" else INVALID_ARGUMENT)
    text_only = modalities[0] == "TEXT"
    if text_only and generation.get("speechConfig", {}).get("voiceConfig"):
        raise Refused(1007, NO_VOICE)
    if not vertex and ("explicitVadSignal" in setup):
        raise Refused(1007, INVALID_ARGUMENT)
    _check_thinking(generation, setup, model)

    realtime: Json = setup.get("realtimeInputConfig", {})
    detection: Json = realtime.get("automaticActivityDetection", {})
    silence_ms = detection.get("silenceDurationMs", model.silence_ms)
    if detection.get("endOfSpeechSensitivity") == "END_SENSITIVITY_LOW":
        silence_ms = max(silence_ms, 2 * model.silence_ms)
    resumption: Json | None = setup.get("sessionResumption")
    if resumption and resumption.get("transparent") and not vertex:
        raise Refused(1007, INVALID_ARGUMENT)
    compression: Json | None = setup.get("contextWindowCompression")
    trigger = target = None
    if compression is not None:
        trigger = compression.get("triggerTokens") or model.window * 8 // 10
        target = compression.get("slidingWindow", {}).get("targetTokens") or trigger // 2
    coverage = realtime.get("turnCoverage")
    history: Json = setup.get("historyConfig", {})
    return SessionConfig(
        name=bare(name),
        model=model,
        vertex=vertex,
        text_only=text_only,
        manual=bool(detection.get("disabled")),
        interrupts=realtime.get("activityHandling") != "NO_INTERRUPTION",
        coverage=coverage if coverage and "UNSPECIFIED" not in coverage else model.coverage,
        prefix=detection.get("prefixPaddingMs", 100) / 1000,
        silence=silence_ms / 1000,
        transcribe_input="inputAudioTranscription" in setup or model.input_unasked,
        transcribe_output="outputAudioTranscription" in setup or model.output_unasked,
        resumption=resumption is not None or scenario.resumption.unrequested,
        handle=(resumption or {}).get("handle") or None,
        transparent=bool((resumption or {}).get("transparent")),
        trigger=trigger,
        target=target,
        history_first=model.history_first and bool(history.get("initialHistoryInClientContent")),
        signals=bool(setup.get("explicitVadSignal")) or model.signals,
        system=text_of(setup.get("systemInstruction", {})),
        functions=tuple(declared(setup.get("tools", ()))),
    )


def _check_thinking(generation: Json, setup: Json, model: Model) -> None:
    thinking: Json = generation.get("thinkingConfig", {})
    level = thinking.get("thinkingLevel")
    if model.thinking == "level required" and level not in ("LOW", "MEDIUM", "HIGH"):
        # pipecat-ai/pipecat gemini_live/llm.py: low or above, no minimal.
        raise Refused(1007, INVALID_ARGUMENT)
    if model.thinking == "budget" and level is not None:
        raise Refused(1007, INVALID_ARGUMENT)
    if not model.affective and (
        generation.get("enableAffectiveDialog") or setup.get("proactivity", {}).get("proactiveAudio")
    ):
        raise Refused(1007, INVALID_ARGUMENT)
