"""An exam of one question with whatever google-genai comes first on the path, left and resumed; prints JSON."""

import asyncio
import json
import ssl
import sys

from google import genai
from google.genai import types

url, ca_file = sys.argv[1:]
MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"


def config(handle: str | None) -> types.LiveConnectConfig:
    parameters = {"type": "OBJECT", "properties": {"overall": {"type": "NUMBER"}}}
    return types.LiveConnectConfig(
        response_modalities=["AUDIO"],
        input_audio_transcription={},
        output_audio_transcription={},
        session_resumption={"handle": handle},
        realtime_input_config={"automatic_activity_detection": {"disabled": True}},
        tools=[{"function_declarations": [{"name": "report_score", "parameters": parameters}]}],
    )


async def main() -> None:
    context = ssl.create_default_context(cafile=ca_file)
    options = types.HttpOptions(base_url=url, async_client_args={"ssl": context})
    client = genai.Client(api_key="any", http_options=options)
    said, call = {"first": "", "second": ""}, None
    async with client.aio.live.connect(model=MODEL, config=config(None)) as session:
        await session.send_client_content(turns={"parts": [{"text": "Begin."}]})
        async for message in session.receive():
            if message.server_content and message.server_content.output_transcription:
                said["first"] += message.server_content.output_transcription.text
        update = (await session._receive()).session_resumption_update
    async with client.aio.live.connect(model=MODEL, config=config(update.new_handle)) as session:
        await session.send_realtime_input(activity_start={})
        blob = types.Blob(data=b"\0\x10\0\xf0" * 800, mime_type="audio/pcm;rate=16000")
        await session.send_realtime_input(audio=blob)
        await session.send_realtime_input(activity_end={})
        for _ in range(2):  # 2.5 ends its turn behind the call, and another with the result
            async for message in session.receive():
                if message.server_content and message.server_content.output_transcription:
                    said["second"] += message.server_content.output_transcription.text
                if message.tool_call:
                    call = message.tool_call.function_calls[0]
                    answer = types.FunctionResponse(id=call.id, name=call.name, response={"ok": True})
                    await session.send_tool_response(function_responses=[answer])
    facts = {"opening": said["first"].strip(), "closing": said["second"].strip(), "args": call.args}
    print(json.dumps(facts | {"version": genai.version.__version__}))  # noqa: T201


asyncio.run(main())
