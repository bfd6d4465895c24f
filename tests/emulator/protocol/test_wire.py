import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gemini_live_emulator.protocol import wire
from gemini_live_emulator.protocol.schema import ENUMS, MESSAGES
from gemini_live_emulator.protocol.wire import Refused


def refusal(frame: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        wire.decode(frame if isinstance(frame, (str, bytes)) else json.dumps(frame))
    return caught.value


@pytest.mark.parametrize(
    "frame",
    [
        {"realtimeInput": {"audio": {"data": "AAA=", "mimeType": "audio/pcm"}}},
        {"realtime_input": {"audio": {"data": "AAA=", "mime_type": "audio/pcm"}}},
        {"realtime_input": {"audio": {"data": "AAA=", "mimeType": "audio/pcm"}}},
    ],
)
def test_every_mix_of_casing_reads_the_same(frame: Any) -> None:
    assert wire.decode(json.dumps(frame)) == {"realtimeInput": {"audio": {"data": b"\0\0", "mimeType": "audio/pcm"}}}


@pytest.mark.parametrize(("message", "name", "kind"), [(m, n, k) for m in MESSAGES for n, k in MESSAGES[m].items()])
def test_each_name_of_the_table_is_known_in_both_spellings(message: str, name: str, kind: str) -> None:
    sample: dict[str, Any] = {"object": {}, "string": "x", "bool": True, "int": 1, "float": 0.5, "bytes": "AAA="}
    for spelling in (name, wire.snake(name)):
        value = sample.get(kind.rstrip("!"), [] if kind.startswith("[") else {})
        if kind in ENUMS:
            value = min(ENUMS[kind])
        assert set(wire.read({spelling: value}, message)) == {name}


def test_an_unknown_name_is_refused_with_its_path() -> None:
    refused = refusal({"setup": {"generationConfig": {"inputAudioTranscription": {}}}})
    assert (refused.code, refused.reason) == (
        1007,
        "Invalid JSON payload received. Unknown name \"inputAudioTranscription\" at 'setup.generation_config': "
        "Cannot find field.",
    )


def test_an_unknown_name_at_the_top_has_no_path() -> None:
    assert refusal({"config": {}}).reason == (
        'Invalid JSON payload received. Unknown name "config": Cannot find field.'
    )


def test_an_unknown_name_in_a_list_is_numbered() -> None:
    assert "at 'setup.tools[1]'" in refusal({"setup": {"tools": [{}, {"functions": []}]}}).reason


@pytest.mark.parametrize(
    ("frame", "start"),
    [
        (
            {"setup": {"generationConfig": {"temperature": "hot"}}},
            "Invalid value at 'setup.generation_config.temperature' (TYPE_FLOAT)",
        ),
        ({"setup": []}, "Invalid value at 'setup' (TYPE_SETUP)"),
        ({"clientContent": {"turnComplete": 1}}, "Invalid value at 'client_content.turn_complete' (TYPE_BOOL), 1"),
        ({"realtimeInput": {"text": 5}}, "Invalid value at 'realtime_input.text' (TYPE_STRING), 5"),
        (
            {"realtimeInput": {"audio": {"data": "!!"}}},
            "Invalid value at 'realtime_input.audio.data' (TYPE_BYTES), Base64",
        ),
        ({"setup": {"labels": []}}, "Invalid value at 'setup.labels' (TYPE_MAP)"),
        (
            {"setup": {"realtimeInputConfig": {"turnCoverage": "SOME"}}},
            "Invalid value at 'setup.realtime_input_config.turn_coverage'",
        ),
        (
            {"setup": {"generationConfig": {"maxOutputTokens": 1.5}}},
            "Invalid value at 'setup.generation_config.max_output_tokens'",
        ),
        (
            {"setup": {"generationConfig": {"maxOutputTokens": True}}},
            "Invalid value at 'setup.generation_config.max_output_tokens'",
        ),
        ({"setup": {"sessionResumption": {"handle": None}}}, "Request contains an invalid argument."),
        ("{", "Invalid JSON payload received."),
        ("", "Invalid JSON payload received."),
        ("[]", "Invalid JSON payload received. Root element must be a message."),
        (b"\xff\xfe", "Invalid JSON payload received."),
        ("[" * 100_000, "Invalid JSON payload received."),
    ],
)
def test_what_is_wrong_is_refused_with_1007(frame: Any, start: str) -> None:
    refused = refusal(frame)
    assert refused.code == 1007
    assert refused.reason.startswith(start)


def test_numbers_may_be_written_as_text_and_one_value_for_a_list() -> None:
    setup = {"generationConfig": {"maxOutputTokens": "12", "temperature": "0.5", "responseModalities": "audio"}}
    assert wire.read(setup, "Setup") == {
        "generationConfig": {"maxOutputTokens": 12, "temperature": 0.5, "responseModalities": ["AUDIO"]}
    }


@given(st.binary())
def test_both_alphabets_of_base64_are_read_padded_or_not(data: bytes) -> None:
    for encoded in (base64.b64encode(data), base64.urlsafe_b64encode(data)):
        assert wire.unbase64(encoded.decode()) == data
        assert wire.unbase64(encoded.decode().rstrip("=")) == data
    assert wire.unbase64(wire.base64_of(data)) == data


names = st.sampled_from(sorted({n for f in MESSAGES.values() for k in f for n in (k, wire.snake(k))})) | st.text()
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)


def code(frame: str | bytes) -> int | None:
    """Say with which code a frame is refused, if it is."""
    try:
        assert set(wire.decode(frame)) <= set(MESSAGES["ClientMessage"])
    except Refused as refused:
        return refused.code
    return None


@given(st.dictionaries(names, json_values, max_size=3))
def test_any_json_is_read_or_refused_with_1007(frame: Any) -> None:
    assert code(json.dumps(frame)) in (None, 1007)


@given(st.binary() | st.text())
def test_any_bytes_are_read_or_refused_with_1007(frame: str | bytes) -> None:
    assert code(frame) in (None, 1007)


@given(st.text(max_size=400))
def test_a_reason_fits_a_close_frame(reason: str) -> None:
    cut = wire.cut_reason(reason)
    assert len(cut.encode()) <= 123
    assert reason.startswith(cut)


@pytest.mark.parametrize(
    ("mime", "rate"),
    [
        ("audio/pcm;rate=16000", 16_000),
        ("audio/pcm; rate=8000", 8_000),
        ("audio/pcm", 16_000),
        ("AUDIO/L16;rate=24000", 24_000),
        ("audio/pcm;rate=0", 16_000),
        ("audio/webm", None),
        ("image/png", None),
    ],
)
def test_the_rate_is_in_the_mime_type(mime: str, rate: int | None) -> None:
    assert wire.rate_of(mime) == rate


def test_messages_are_written_compact_and_in_utf8() -> None:
    assert wire.encode({"a": {"b": "é"}}) == '{"a":{"b":"é"}}'.encode()


def test_a_null_is_read_as_if_it_were_not_there() -> None:
    assert wire.decode('{"setup": {"model": "m", "tools": null}}') == {"setup": {"model": "m"}}


def test_bytes_are_text() -> None:
    refused = refusal({"realtimeInput": {"audio": {"data": 5}}})
    assert (refused.code, refused.reason) == (1007, "Invalid value at 'realtime_input.audio.data' (TYPE_BYTES), 5")


def test_the_parameters_of_a_function_are_an_object() -> None:
    refused = refusal({"setup": {"tools": [{"functionDeclarations": [{"parameters": 1.5}]}]}})
    where = "setup.tools[0].function_declarations[0].parameters"
    assert (refused.code, refused.reason) == (1007, f"Invalid value at '{where}' (TYPE_OBJECT), 1.5")
