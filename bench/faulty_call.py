"""One exam from recordings against an emulator of its own that injects faults, with a tap on the caller's audio."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.audio_delivery import ReceivedAudio, SentAudio, received_audio
from core.events import Event
from pipeline.call.emulator_process import emulator
from pipeline.config.file import EmulatorSettings
from pipeline.config.loading import load
from pipeline.record.models import SessionRecord
from pipeline.runtime import running
from tests.support.fault_cases import Contender
from transports.wav.listener import WavListener, WavSettings

ROOT = Path(__file__).parent.parent
CONFIGS = ROOT / "configs"
OLD_MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"


@dataclass(frozen=True, slots=True)
class Held:
    """What a call left behind."""

    record: SessionRecord
    events: list[Event]
    sent: SentAudio
    received: ReceivedAudio

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]


async def hold(
    folder: Path,
    contender: Contender,
    scenario: dict[str, Any],
    recordings: Sequence[Path],
    *,
    model: str = "gemini-3.8-live",
    minutes: float = 3.0,
    idle_timeout: float = 30.0,
    vad: dict[str, Any] | None = None,
    second: dict[str, Any] | None = None,
) -> Held:
    """Hold the call to its end; `second` is a `shadow` stage. Raises EmulatorError, in a sentence."""
    folder.mkdir(parents=True, exist_ok=True)
    truth, tap = folder / "truth.jsonl", folder / "tap.jsonl"
    (folder / "scenario.yaml").write_text(yaml.safe_dump(scenario, sort_keys=False), encoding="utf-8")
    events: list[Event] = []
    listener = WavListener(WavSettings(files=tuple(recordings), hang_up_after=idle_timeout), "call")
    async with emulator(EmulatorSettings(scenario=str(folder / "scenario.yaml")), truth) as service:
        config = _config(
            folder, contender, service.url, service.ca_file, model, minutes, tap, idle_timeout, vad or {}, second
        )
        if contender == "stock":
            # A TLS context cannot stand in YAML; the SDK reads this variable when the stock service builds its client.
            os.environ["SSL_CERT_FILE"] = str(service.ca_file)
        try:
            async with running(load(config), lambda _, event: events.append(event)) as there:
                await there.host.serve(listener)
                record = await there.store.session("call")
        finally:
            if contender == "stock":
                del os.environ["SSL_CERT_FILE"]  # before the file goes, or ours, which runs beside it, cannot begin
    assert record is not None
    sent = SentAudio.read(tap)
    return Held(record, events, sent, received_audio(truth, sent))


def _config(
    folder: Path,
    contender: Contender,
    url: str,
    ca_file: Path,
    model: str,
    minutes: float,
    tap: Path,
    idle_timeout: float,
    vad: dict[str, Any],
    second: dict[str, Any] | None,
) -> Path:
    ours = {
        "use": "gemini_live",
        "model": model,
        "prompt": str(CONFIGS / "prompts/examiner.md"),
        "base_url": url,
        "ca_file": str(ca_file),
    }
    stock = {
        "use": "pipecat.services.google.gemini_live.llm:GeminiLiveLLMService",
        "as": "gemini_live",
        "api_key": "any",
        "http_options": {"base_url": url},
        "settings": {
            "model": f"models/{model}",
            "system_instruction": (CONFIGS / "prompts/examiner.md").read_text(encoding="utf-8"),
            "vad": {"disabled": True},
        },
    }
    config = {
        "name": "faulty-call",
        "listen": {"use": "webrtc"},
        "stages": [
            {"use": "resampler", "rate": 16000},
            {"use": "manual_vad"} | vad,
            {"use": "bench.audio_delivery:AudioTap", "as": "tap", "file": str(tap), "idle_timeout": idle_timeout},
            *([second] if second else []),
            ours if contender == "ours" else stock,
            {"use": "transcript"},
            {"use": "scoring", "rubric": str(CONFIGS / "rubrics/speaking.yaml")},
        ],
        "budget": {"minutes": minutes},
        "prices": str(CONFIGS / "prices.yaml"),
        "database": f"sqlite+aiosqlite:///{folder / 'sessions.db'}",
    }
    file = folder / "call.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    return file
