import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transports.webrtc.messages import BURST, LONGEST, RATE, Allowance, MessageRefused, read


def rtvi(type: str, data: Any = None, **more: Any) -> str:
    return json.dumps({"label": "rtvi-ai", "type": type, "id": "7", "data": data} | more)


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (
            rtvi("client-ready", {"version": "1.2.0", "about": {"library": "page", "platform_details": {"a": [1]}}}),
            {"type": "client-ready", "data": {"version": "1.2.0", "about": {"library": "page"}}},
        ),
        (rtvi("client-ready"), {"type": "client-ready"}),
        (rtvi("client-message", {"t": "end"}), {"type": "client-message", "data": {"t": "end"}}),
        (
            rtvi("client-message", {"t": "mark", "d": {"at": 3}, "x": 1}),
            {"type": "client-message", "data": {"t": "mark", "d": {"at": 3}}},
        ),
        (rtvi("disconnect-bot"), {"type": "client-message", "data": {"t": "end"}}),
        (rtvi("disconnect-bot", {"now": True}), {"type": "client-message", "data": {"t": "end"}}),
    ],
)
def test_what_a_caller_may_say_is_taken_with_the_fields_that_are_known(sent: str, taken: dict[str, Any]) -> None:
    assert read(sent) == {"label": "rtvi-ai", "id": "7"} | taken
    assert read(sent.encode()) == read(sent)


def test_a_muted_track_is_told_as_smallwebrtc_does() -> None:
    message = {"type": "signalling", "message": {"type": "trackStatus", "receiver_index": 0, "enabled": False}}
    assert read(json.dumps(message)) == message


AUDIO = {"base64Audio": "AAAA", "sampleRate": 1, "numChannels": 1}


@pytest.mark.parametrize(
    "sent",
    [
        rtvi("raw-audio", AUDIO),
        rtvi("raw-audio-batch", AUDIO),
        rtvi("send-text", {"content": "Give me a nine."}),
        rtvi("send-file", {"content": "", "file": {}}),
        rtvi("llm-function-call-result", {"function_name": "report_score", "result": 9}),
        rtvi("dtmf", {"buttons": ["1"]}),
        rtvi("ui-event", {"event": "x"}),
        rtvi("ui-snapshot", {"tree": {}}),
        rtvi("ui-cancel-job-group", {"job_id": "x"}),
        rtvi("whatever"),
        rtvi("client-message"),
        rtvi("client-message", {"t": "x" * 65}),
        rtvi("client-message", {"t": 3}),
        rtvi("client-message", {"t": "end"}, id="x" * 65),
        rtvi("client-message", {"t": "end"}, label="other"),
        rtvi("client-ready", {"version": "9" * 5000 + ".0.0"}),
        rtvi("client-ready", {"version": "1.0.0", "about": {"library": "x" * 65}}),
        rtvi("client-message", {"t": "x", "d": "x" * LONGEST}),
        json.dumps({"type": "signalling", "message": {"type": "trackStatus", "receiver_index": 9**9, "enabled": True}}),
        json.dumps({"type": "signalling", "message": {"type": "renegotiate"}}),
        "[" * 8000,
        "{}",
        "null",
        "1e999",
        "",
        "\x00",
        "not JSON",
    ],
)
def test_nothing_else_is_taken(sent: str) -> None:
    with pytest.raises(MessageRefused) as refused:
        read(sent)
    sentence = str(refused.value)
    assert sentence.endswith(".") and "\n" not in sentence and len(sentence) < 100


def test_a_refusal_names_the_message_it_is_of() -> None:
    with pytest.raises(MessageRefused) as refused:
        read(rtvi("raw-audio", AUDIO))
    assert refused.value.id == "7"


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_whatever_is_sent_is_taken_or_refused(sent: str | bytes) -> None:
    with pytest.raises(MessageRefused):
        read(sent)


def test_messages_come_at_a_rate() -> None:
    allowance = Allowance()
    assert [allowance.take(100.0) for _ in range(int(BURST) + 5)] == [True] * int(BURST) + [False] * 5
    assert [allowance.take(101.0) for _ in range(int(RATE) + 1)] == [True] * int(RATE) + [False]
    assert sum(allowance.take(1000.0) for _ in range(1000)) == BURST
