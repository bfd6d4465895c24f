"""The listener, over real sockets, as clients of several kinds see it."""

import asyncio
import json
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from google import genai
from google.genai import errors, types
from websockets.asyncio.client import connect

from gemini_live_emulator import Emulator, Scenario
from gemini_live_emulator.protocol.wire import base64_of
from gemini_live_emulator.session.simulated_client import LOUD
from gemini_live_emulator.speech import ToneSynthesizer

pytestmark = pytest.mark.real_time

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"
LIVE = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
QUICK = Scenario.load("scripted").changed(
    examiner={"latency": 0.0, "questions": ["Why?"], "heard": ["Because it is so."]},
    model={"holds": False, "speed": 10_000.0},
)


def context(emulator: Emulator) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(emulator.ca_file))


def client(emulator: Emulator, key: str = "any", version: str = "v1beta", path: str = "") -> genai.Client:
    trusted = context(emulator)
    options = types.HttpOptions(
        base_url=emulator.url + path,
        api_version=version,
        client_args={"verify": trusted},
        async_client_args={"ssl": trusted, "verify": trusted},
    )
    return genai.Client(api_key=key, http_options=options)


def config(handle: str | None = None, **more: Any) -> types.LiveConnectConfig:
    declaration = types.FunctionDeclaration(
        name="report_score", parameters={"type": "OBJECT", "properties": {"overall": {"type": "NUMBER"}}}
    )
    return types.LiveConnectConfig(
        response_modalities=["AUDIO"],
        input_audio_transcription={},
        output_audio_transcription={},
        session_resumption={"handle": handle},
        realtime_input_config={"automatic_activity_detection": {"disabled": True}},
        tools=[{"function_declarations": [declaration]}],
        **more,
    )


async def hear(session: Any) -> list[types.LiveServerMessage]:
    """Receive to the end of a turn, answering calls: 2.5 ends its turn behind the call, and another with the result."""
    found: list[types.LiveServerMessage] = []
    answered = False
    async for message in session.receive():
        found.append(message)
        for call in message.tool_call.function_calls if message.tool_call else ():
            response = types.FunctionResponse(id=call.id, name=call.name, response={"ok": True})
            await session.send_tool_response(function_responses=response)
            answered = True
    return [*found, *(await hear(session))] if answered else found


async def say(session: Any) -> None:
    await session.send_realtime_input(activity_start={})
    for _ in range(5):
        await session.send_realtime_input(audio=types.Blob(data=LOUD, mime_type="audio/pcm;rate=16000"))
    await session.send_realtime_input(activity_end={})


def spoken(messages: list[types.LiveServerMessage]) -> str:
    contents = [m.server_content for m in messages if m.server_content]
    return "".join(c.output_transcription.text for c in contents if c.output_transcription).strip()


async def test_two_turns_a_call_and_a_resume() -> None:
    scenario = QUICK.changed(examiner={"questions": ["Why?", "How?"]})
    async with Emulator(scenario) as emulator:
        talk = client(emulator)
        async with talk.aio.live.connect(model=MODEL, config=config()) as session:
            await session.send_client_content(turns={"parts": [{"text": "Begin."}]})
            assert spoken(await hear(session)) == "Hello, and welcome. Why?"
            await say(session)
            first = await hear(session)
            assert spoken(first) == "Thank you. How?"
            update = (await session._receive()).session_resumption_update
        async with talk.aio.live.connect(model=MODEL, config=config(update.new_handle)) as session:
            await say(session)
            last = await hear(session)
    assert spoken(last).endswith("and overall 6.5. Goodbye.")
    assert [call.args for m in last if m.tool_call for call in m.tool_call.function_calls] == [{"overall": 6.5}]


@pytest.mark.parametrize("prefix", ["", "/gateway/v1", "//x"])
async def test_any_prefix_of_the_path_is_accepted(prefix: str) -> None:
    async with Emulator(QUICK) as emulator:
        async with client(emulator, path=prefix).aio.live.connect(model=MODEL, config=config()):
            pass
        plain = emulator.plain_url.replace("http", "ws")
        async with connect(f"{plain}{prefix}/{LIVE}?key=k") as raw:
            await raw.send(json.dumps({"setup": {"model": f"models/{MODEL}"}}))
            assert json.loads(await raw.recv()) == {"setupComplete": {}}


async def test_one_port_takes_tls_and_plain_text() -> None:
    async with Emulator(QUICK) as emulator:
        plain = emulator.plain_url.replace("http", "ws") + LIVE + "?key=k"
        encrypted, headers = emulator.url.replace("https", "wss") + LIVE, {"x-goog-api-key": "k"}
        async with (
            connect(plain) as raw,
            connect(encrypted, ssl=context(emulator), additional_headers=headers) as secure,
        ):
            for side in (raw, secure):
                await side.send(json.dumps({"setup": {"model": f"models/{MODEL}"}}))
                assert await side.recv() == b'{"setupComplete":{}}'


async def test_messages_are_binary_unless_told_otherwise() -> None:
    async with Emulator(QUICK.changed(wire={"frames": "text"})) as emulator, connect(
        emulator.plain_url.replace("http", "ws") + LIVE + "?key=k"
    ) as raw:  # fmt: skip
        await raw.send(json.dumps({"setup": {"model": f"models/{MODEL}"}}).encode())
        assert await raw.recv() == '{"setupComplete":{}}'


async def test_a_bad_key_is_reported_after_the_setup() -> None:
    async with Emulator(QUICK, keys={"good"}) as emulator:
        async with client(emulator, key="good").aio.live.connect(model=MODEL, config=config()):
            pass
        with pytest.raises(errors.APIError) as caught:
            async with client(emulator, key="bad").aio.live.connect(model=MODEL, config=config()):
                pass
    assert (caught.value.code, caught.value.details) == (1007, "API key not valid. Please pass a valid API key.")


async def test_no_key_at_all_is_refused() -> None:
    async with Emulator(QUICK) as emulator, connect(emulator.plain_url.replace("http", "ws") + LIVE) as raw:
        await raw.send(json.dumps({"setup": {"model": f"models/{MODEL}"}}))
        await raw.wait_closed()
        assert raw.close_code == 1008
        assert raw.close_reason.startswith("Method doesn't allow unregistered callers")


@pytest.mark.parametrize(("key", "status"), [("bad", 400), ("AQ.bad", 401), (None, 403), ("good", 200)])
async def test_the_free_preflight_tells_a_bad_key(key: str | None, status: int) -> None:
    async with Emulator(QUICK, keys={"good"}) as emulator, httpx.AsyncClient() as http:
        headers = {"x-goog-api-key": key} if key else {}
        answer = await http.get(f"{emulator.plain_url}/v1beta/models", headers=headers)
    assert answer.status_code == status


@pytest.mark.filterwarnings("ignore:The SDK's")
async def test_an_ephemeral_token_opens_the_constrained_method_once() -> None:
    async with Emulator(QUICK) as emulator:
        constraints = types.LiveConnectConstraints(
            model="gemini-3.8-live", config=types.LiveConnectConfig(temperature=0)
        )
        issuer = client(emulator, version="v1alpha")
        token = await issuer.aio.auth_tokens.create(
            config=types.CreateAuthTokenConfig(uses=1, live_connect_constraints=constraints)
        )
        holder = client(emulator, key=token.name, version="v1alpha")
        async with holder.aio.live.connect(model=MODEL) as session:
            # The token locks the model, and this one speaks of its status.
            await session.send_realtime_input(text="Begin.")
            assert (await hear(session))[-1].server_content.interaction_status == types.InteractionStatus.IDLE
        with pytest.raises(errors.APIError) as caught:
            async with holder.aio.live.connect(model=MODEL):
                pass
    assert (caught.value.code, caught.value.details) == (1011, "The service is currently unavailable.")


async def test_vertex_s_path_is_served() -> None:
    from google.oauth2.credentials import Credentials

    async with Emulator(QUICK) as emulator:
        options = types.HttpOptions(base_url=emulator.url, async_client_args={"ssl": context(emulator)})
        vertex = genai.Client(
            vertexai=True, project="p", location="l", credentials=Credentials(token="t"), http_options=options
        )
        async with vertex.aio.live.connect(
            model="gemini-live-2.5-flash-native-audio", config={"response_modalities": ["AUDIO"]}
        ) as session:
            await session.send_client_content(turns={"parts": [{"text": "Begin."}]})
            messages = await hear(session)
    assert messages[-1].usage_metadata.response_token_count > 0


async def test_the_text_model_fills_a_schema() -> None:
    schema = {"type": "OBJECT", "properties": {"overall": {"type": "NUMBER", "nullable": True}}}
    options = types.GenerateContentConfig(response_mime_type="application/json", response_schema=schema)
    async with Emulator(QUICK) as emulator:
        talk = client(emulator)
        models = talk.aio.models
        long = await models.generate_content(
            model="gemini-3.8-flash", contents="Candidate: " + "word " * 30, config=options
        )
        short = await models.generate_content(model="gemini-3.8-flash", contents="Candidate: yes.", config=options)
    assert (json.loads(long.text), json.loads(short.text)) == ({"overall": 6.5}, {"overall": None})
    assert long.usage_metadata.total_token_count > 0


async def test_the_text_model_streams() -> None:
    async with Emulator(QUICK) as emulator:
        talk = client(emulator)
        stream = await talk.aio.models.generate_content_stream(model="gemini-3.8-flash", contents="Hello?")
        parts = [part.text async for part in stream]
    assert "".join(parts) == "Too little was said."
    assert len(parts) == 2


async def test_the_text_model_calls_when_it_must() -> None:
    async with Emulator(QUICK) as emulator:
        talk = client(emulator)
        answer = await talk.aio.models.generate_content(
            model="gemini-3.8-flash",
            contents="Candidate: yes.",
            config=types.GenerateContentConfig(
                tools=config().tools, tool_config={"function_calling_config": {"mode": "ANY"}}
            ),
        )
    assert [(call.name, call.args) for call in answer.function_calls] == [("report_score", {"overall": 6.5})]


async def test_the_models_are_listed_and_described() -> None:
    async with Emulator(QUICK) as emulator:
        talk = client(emulator)
        models = talk.aio.models
        listed = [model.name async for model in await models.list()]
        one = await models.get(model="gemini-3.8-live")
        with pytest.raises(errors.ClientError, match="404"):
            await models.get(model="gemini-9")
    assert "models/gemini-3.1-flash-live-preview" in listed
    assert one.input_token_limit == 131_072


async def test_the_truth_has_every_sample_and_token(tmp_path: Path) -> None:
    sent = np.random.default_rng(0).integers(-3000, 3000, 16_000, dtype=np.int16).tobytes()
    truth = tmp_path / "truth.jsonl"
    async with (
        Emulator(QUICK, truth=truth) as emulator,
        client(emulator).aio.live.connect(model=MODEL, config=config()) as session,
    ):
        await session.send_client_content(turns={"parts": [{"text": "Begin."}]})
        messages = await hear(session)
        await session.send_realtime_input(activity_start={})
        for i in range(0, len(sent), 1_000):
            await session.send_realtime_input(
                audio=types.Blob(data=sent[i : i + 1_000], mime_type="audio/pcm;rate=16000")
            )
        await session.send_realtime_input(activity_end={})
        messages += await hear(session)
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    window = next(line for line in lines if line["what"] == "window.closed")
    assert window["pcm"] == base64_of(sent)
    told = [m.usage_metadata for m in messages if m.usage_metadata]
    bills = [line["bill"] for line in lines if line["what"] == "turn.ended"]
    assert [usage.prompt_token_count for usage in told] == [sum(bill["prompt"].values()) for bill in bills]
    assert [usage.response_token_count for usage in told] == [sum(bill["response"].values()) for bill in bills]
    received = sum(
        len(p.inline_data.data)
        for m in messages
        if m.server_content and m.server_content.model_turn
        for p in m.server_content.model_turn.parts
    )
    assert received == sum(line["sent"]["samples"] for line in lines if line["what"] == "turn.ended") * 2
    assert lines[-1]["what"] == "connection.closed"
    assert lines[-1]["received"] == [1000, ""]


async def test_pongs_may_be_late_and_pings_may_come() -> None:
    scenario = QUICK.changed(wire={"pong_delay": 0.2, "ping_every": 0.05})
    async with (
        Emulator(scenario) as emulator,
        connect(emulator.plain_url.replace("http", "ws") + LIVE + "?key=k") as raw,
    ):
        loop = asyncio.get_running_loop()
        began = loop.time()
        await (await raw.ping())
        assert loop.time() - began >= 0.2


async def test_a_server_that_shuts_down_says_so() -> None:
    async with Emulator(QUICK) as emulator:
        raw = await connect(emulator.plain_url.replace("http", "ws") + LIVE + "?key=k")
        await raw.send(json.dumps({"setup": {"model": f"models/{MODEL}"}}))
        await raw.recv()
    await raw.wait_closed()
    assert raw.close_code == 1001


async def test_a_port_in_use_is_an_error_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            async with Emulator(QUICK, port=taken.getsockname()[1]):
                pass


async def test_a_speaking_examiner_hears_and_speaks() -> None:
    from gemini_live_emulator.speech import HibariSynthesizer, resample

    words = "My name is Bruce and I live in a small town."
    pcm = resample(HibariSynthesizer().synthesize(words), 24_000)
    scenario = Scenario.load("plain").changed(examiner={"latency": 0.0}, model={"holds": False, "speed": 100.0})
    async with (
        Emulator(scenario) as emulator,
        client(emulator).aio.live.connect(model=MODEL, config=config()) as session,
    ):
        await session.send_client_content(turns={"parts": [{"text": "Begin."}]})
        await hear(session)
        await session.send_realtime_input(activity_start={})
        for i in range(0, len(pcm), 3_200):
            await session.send_realtime_input(
                audio=types.Blob(data=pcm[i : i + 3_200], mime_type="audio/pcm;rate=16000")
            )
        await session.send_realtime_input(activity_end={})
        reply = await hear(session)
    heard = "".join(
        m.server_content.input_transcription.text
        for m in reply
        if m.server_content and m.server_content.input_transcription
    )
    assert "Bruce" in heard
    assert "small town" in heard
    assert spoken(reply) == "Thank you. What is your town like?"


async def test_a_transcriber_that_fails_ends_the_session_and_not_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def transcribe(self, pcm: bytes) -> str:
            raise RuntimeError("no transcriber")

    monkeypatch.setattr("gemini_live_emulator.server.listener.shared_transcriber", Broken)
    monkeypatch.setattr("gemini_live_emulator.server.listener.shared_synthesizer", ToneSynthesizer)
    scenario = QUICK.changed(examiner={"kind": "speaking", "heard": []})
    async with Emulator(scenario) as emulator:
        talk = client(emulator)
        async with talk.aio.live.connect(model=MODEL, config=config()) as session:
            await session.send_client_content(turns={"parts": [{"text": "Begin."}]})
            await hear(session)
            await say(session)
            with pytest.raises(errors.APIError) as caught:
                await hear(session)
        assert (caught.value.code, caught.value.details) == (1011, "Internal error encountered.")
        async with talk.aio.live.connect(model=MODEL, config=config()) as session:
            await session.send_client_content(turns={"parts": [{"text": "Begin."}]})
            assert spoken(await hear(session)).startswith("Hello")
