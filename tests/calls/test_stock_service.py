"""An exam with Pipecat's own Gemini service in place of our Live stage: same listener, same stages around it."""

from pathlib import Path

import pytest
import yaml

from core.events import ToolAnswered, ToolCalled
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.server.listener import Emulator
from support.calls import SHORT, config, hold, short_answers

pytestmark = [pytest.mark.real_time, pytest.mark.soak]


async def test_the_stock_service_holds_the_exam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = config(tmp_path, SHORT | {"ending": {"speak": "none"}})  # to speak the scores takes long
    scenario = Scenario.load(tmp_path / "scenario.yaml")
    async with Emulator(scenario) as emulator:
        # A TLS context cannot stand in YAML; the SDK reads this variable when a client is built.
        monkeypatch.setenv("SSL_CERT_FILE", str(emulator.ca_file))
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
        del data["emulator"]
        live = next(place for place, stage in enumerate(data["stages"]) if stage["use"] == "gemini_live")
        data["stages"][live] = {
            "use": "pipecat.services.google.gemini_live.llm:GeminiLiveLLMService",
            "as": "gemini_live",
            "api_key": "any",
            "http_options": {"base_url": emulator.url},
            "settings": {
                "model": "models/gemini-2.5-flash-native-audio-preview-12-2025",
                "system_instruction": "You are an examiner.",
                "vad": {"disabled": True},
            },
        }
        file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        result = await hold(file, short_answers(tmp_path, 3.0))
    assert result.record.why == "completed" and result.record.scored == "complete"
    assert {source for _, source in result.scores().values()} == {"call"}
    for question, heard in zip(SHORT["questions"], SHORT["heard"], strict=True):
        assert question in result.said("examiner")
        assert heard in result.said("caller")
    assert len(result.of(ToolCalled)) == len(result.of(ToolAnswered)) == 1
    assert result.record.usd is not None and result.record.usd > 0
