"""Clients of other makers, unmodified: each holds two turns, answers a call, and survives a resume."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from gemini_live_emulator import Emulator, Scenario
from gemini_live_emulator.protocol.wire import base64_of
from gemini_live_emulator.session.simulated_client import LOUD
from support.sdks import JAVASCRIPT, javascript_sdk, python_sdk, run

pytestmark = pytest.mark.real_time

HERE = Path(__file__).parent / "clients"
OLDEST = "2.25.0"  # what pipecat-ai 1.14 asks for at least
NEWEST = "3.4.0"  # in November 2026
QUICK = Scenario.load("scripted").changed(
    examiner={"latency": 0.0, "questions": ["Why?"], "heard": ["Because it is so."]},
    model={"holds": False, "speed": 10_000.0},
)


def check(printed: str) -> dict[str, Any]:
    facts = json.loads(printed.splitlines()[-1])
    assert facts["opening"] == "Hello, and welcome. Why?"
    assert facts["closing"].startswith("Thank you. That is the end. Your scores are: fluency 6.5")
    assert facts["closing"].endswith("Goodbye.")
    assert facts["args"] == {"overall": 6.5}
    return facts


async def test_the_google_genai_that_is_installed() -> None:
    async with Emulator(QUICK) as emulator:
        printed = await run(sys.executable, str(HERE / "exam.py"), emulator.url, str(emulator.ca_file))
    check(printed)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
async def test_the_oldest_and_the_newest_google_genai(version: str, require_peers: bool) -> None:
    folder = await python_sdk(version, require_peers)
    async with Emulator(QUICK) as emulator:
        # `google` is a namespace of several packages: what comes first on the path gives `genai`.
        exam = (str(HERE / "exam.py"), emulator.url, str(emulator.ca_file))
        printed = await run(sys.executable, *exam, PYTHONPATH=str(folder))
    assert check(printed)["version"] == version


@pytest.mark.parametrize(("version", "tls"), zip(JAVASCRIPT, (False, True), strict=True))
async def test_the_javascript_sdk(version: str, tls: bool, require_peers: bool) -> None:
    folder = await javascript_sdk(version, require_peers)
    async with Emulator(QUICK) as emulator:
        url = emulator.url if tls else emulator.plain_url
        printed = await run("node", str(HERE / "exam.mjs"), str(folder), url, NODE_EXTRA_CA_CERTS=str(emulator.ca_file))
    facts = check(printed)
    assert facts["audio"] > 48_000
    assert facts["usage"]["promptTokenCount"] > 400


async def test_a_raw_websocket() -> None:
    path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=any"
    parameters = {"type": "OBJECT", "properties": {"overall": {"type": "NUMBER"}}}
    said, args = {1: "", 2: ""}, None

    def setup(handle: dict[str, str]) -> str:
        settings = {
            "model": "models/gemini-2.5-flash-native-audio-preview-12-2025",
            "realtime_input_config": {"automatic_activity_detection": {"disabled": True}},
            "output_audio_transcription": {},
            "session_resumption": handle,
            "tools": [{"function_declarations": [{"name": "report_score", "parameters": parameters}]}],
        }
        return json.dumps({"setup": settings})

    async def hear(raw: ClientConnection, turn: int, until: str) -> dict[str, Any]:
        nonlocal args
        while True:
            message = json.loads(await asyncio.wait_for(raw.recv(), 10))
            content = message.get("serverContent", {})
            said[turn] += content.get("outputTranscription", {}).get("text", "")
            for call in message.get("toolCall", {}).get("functionCalls", ()):
                args = call["args"]
                answer = {"id": call["id"], "name": call["name"], "response": {"ok": True}}
                await raw.send(json.dumps({"toolResponse": {"functionResponses": [answer]}}))
            if until in message | content:
                return message

    async with Emulator(QUICK) as emulator:
        url = emulator.plain_url.replace("http", "ws") + path
        async with connect(url) as raw:
            await raw.send(setup({}))
            await hear(raw, 1, "sessionResumptionUpdate")
            await raw.send(json.dumps({"realtime_input": {"text": "Begin."}}))
            await hear(raw, 1, "turnComplete")
            handle = (await hear(raw, 1, "sessionResumptionUpdate"))["sessionResumptionUpdate"]["newHandle"]
        async with connect(url) as raw:
            audio = {"data": base64_of(LOUD), "mimeType": "audio/pcm;rate=16000"}
            await raw.send(setup({"handle": handle}))
            await raw.send(json.dumps({"realtimeInput": {"activityStart": {}, "audio": audio, "activityEnd": {}}}))
            # 2.5 ends its turn behind the call, and another with the result.
            await hear(raw, 2, "turnComplete")
            await hear(raw, 2, "turnComplete")
    check(json.dumps({"opening": said[1].strip(), "closing": said[2].strip(), "args": args}))
