"""The small parts: sessions, links, tokens, truth, certificate, detection, speech, text endpoint."""

import asyncio
import datetime
import json
import ssl
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gemini_live_emulator import speech
from gemini_live_emulator.protocol.wire import Refused
from gemini_live_emulator.scenario import Resumption, Scenario, Usage
from gemini_live_emulator.server.certificate import issue
from gemini_live_emulator.server.ephemeral_tokens import Tokens, constrained
from gemini_live_emulator.server.http11 import Exchange, Malformed, Request
from gemini_live_emulator.server.rest import Rest, candidate_words
from gemini_live_emulator.session.examiner import Progress
from gemini_live_emulator.session.fault_injector import Fired
from gemini_live_emulator.session.lifetime import ConnectionLifetime, duration
from gemini_live_emulator.session.resumption import MAX_HANDLES, SessionStore, Snapshot
from gemini_live_emulator.session.setup import accept_setup
from gemini_live_emulator.session.simulated_client import LOUD, MODEL, SILENT
from gemini_live_emulator.session.usage import Context
from gemini_live_emulator.session.vad import Detector
from gemini_live_emulator.truth import Truth

SCRIPTED = Scenario.load("scripted")


def test_the_oldest_handles_of_a_session_expire() -> None:
    sessions = SessionStore(0)
    session = sessions.begin(sessions.connect(), 0.0, Resumption(valid=10))
    snapshot = Snapshot(session, "m", Progress(), Context(Usage()))
    handles = [sessions.issue(snapshot) for _ in range(MAX_HANDLES + 1)]
    sessions.leave(session, 1, 1.0)
    with pytest.raises(Refused):
        sessions.resume(handles[0], "m", 2, 2.0, Resumption())
    assert sessions.resume(handles[1], "m", 2, 2.0, Resumption()) == snapshot


def test_a_session_that_expired_is_dropped_with_its_handles() -> None:
    sessions = SessionStore(0)
    session = sessions.begin(sessions.connect(), 0.0, Resumption(valid=10))
    handle = sessions.issue(Snapshot(session, "m", Progress(), Context(Usage())))
    sessions.leave(session, 1, 1.0)
    sessions.begin(sessions.connect(), 20.0, Resumption())
    with pytest.raises(Refused, match="Invalid session handle"):
        sessions.resume(handle, "m", 3, 21.0, Resumption())


def test_a_session_with_two_connections_ends_with_the_last() -> None:
    sessions, rules = SessionStore(0), Resumption(valid=10, while_open=True)
    session = sessions.begin(sessions.connect(), 0.0, rules)
    handle = sessions.issue(Snapshot(session, "m", Progress(), Context(Usage())))
    sessions.resume(handle, "m", 2, 1.0, rules)
    sessions.leave(session, 1, 5.0)
    assert sessions.open == 1
    sessions.leave(session, 2, 20.0)
    assert sessions.open == 0
    assert sessions.spent(session) == 24.0
    assert sessions.resume(handle, "m", 3, 29.0, rules).session == session


def test_handles_are_alike_for_alike_seeds() -> None:
    def handle(seed: int) -> str:
        sessions = SessionStore(seed)
        return sessions.begin(sessions.connect(), 0.0, Resumption(valid=10))

    assert handle(1) == handle(1) != handle(2)


@pytest.mark.parametrize(("seconds", "text"), [(50.0, "50s"), (0.5, "0.5s"), (300, "300s"), (0.0, "0s")])
def test_a_duration_is_written_as_protobuf_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_connection_without_notice_only_ends() -> None:
    scenario = SCRIPTED.changed(model={"lead": 0.0, "lifetime": 10.0, "session_limit": None, "overshoot": 0.0})
    lifetime = ConnectionLifetime(accept_setup({"model": MODEL}, scenario, "v1beta", False), 0.0, 0.0)
    assert lifetime.deadline() == 10.0
    assert len(lifetime.step(10.0)) == 1
    assert lifetime.deadline() is None


def test_a_connection_may_last_for_ever() -> None:
    scenario = SCRIPTED.changed(model={"lifetime": None, "session_limit": None})
    assert ConnectionLifetime(accept_setup({"model": MODEL}, scenario, "v1beta", False), 0.0, 0.0).deadline() is None


# Tokens


def mint(tokens: Tokens, **body: Any) -> Any:
    answer = tokens.mint(body, 0.0)
    return answer.status, json.loads(answer.body)


def test_a_token_locks_all_or_what_its_mask_names() -> None:
    tokens = Tokens(0)
    setup = {"model": "models/a", "generationConfig": {"temperature": 0, "topK": 3}}
    _, whole = mint(tokens, bidiGenerateContentSetup=setup)
    _, part = mint(tokens, bidiGenerateContentSetup=setup, fieldMask="generationConfig.temperature,tools")
    theirs = {
        "model": "models/b",
        "generationConfig": {"temperature": 1, "seed": 2},
        "tools": [{}],
        "sessionResumption": {},
    }
    locked = constrained(theirs, tokens.use(whole["name"], False, 1.0))
    assert locked == {
        "model": "models/a", "generationConfig": {"temperature": 0.0, "topK": 3.0}, "sessionResumption": {},
    }  # fmt: skip
    assert constrained(theirs, tokens.use(part["name"], False, 1.0)) == {
        "model": "models/b", "generationConfig": {"temperature": 0.0, "seed": 2}, "sessionResumption": {},
    }  # fmt: skip


@pytest.mark.parametrize("mask", [None, "sessionResumption", "model,sessionResumption"])
def test_a_token_that_locks_resumption_leaves_the_handle_to_the_client(mask: str | None) -> None:
    tokens = Tokens(0)
    fields = {"fieldMask": mask} if mask else {}
    _, token = mint(tokens, bidiGenerateContentSetup={"model": "models/a", "sessionResumption": {}}, **fields)
    resumed = constrained(
        {"model": "models/a", "sessionResumption": {"handle": "h1"}}, tokens.use(token["name"], True, 1.0)
    )
    assert resumed == {"model": "models/a", "sessionResumption": {"handle": "h1"}}


def test_a_token_that_locks_resumption_away_refuses_a_handle() -> None:
    tokens = Tokens(0)
    _, token = mint(tokens, bidiGenerateContentSetup={"model": "models/a"}, fieldMask="model,sessionResumption")
    theirs = {"model": "models/a", "sessionResumption": {"handle": "h1"}}
    with pytest.raises(Refused, match="invalid argument"):
        constrained(theirs, tokens.use(token["name"], True, 1.0))


def test_a_token_without_setup_locks_nothing() -> None:
    tokens = Tokens(0)
    _, token = mint(tokens)
    assert constrained({"model": "x"}, tokens.use(token["name"], False, 1.0)) == {"model": "x"}


def test_a_token_has_uses_and_a_resume_takes_none() -> None:
    tokens = Tokens(0)
    _, token = mint(tokens, uses=1)
    tokens.use(token["name"], True, 1.0)
    tokens.use(token["name"], False, 1.0)
    tokens.use(token["name"], True, 1.0)
    with pytest.raises(Refused, match="unavailable"):
        tokens.use(token["name"], False, 1.0)


@pytest.mark.parametrize(("now", "resumes"), [(61.0, False), (1801.0, True)])
def test_a_token_expires(now: float, resumes: bool) -> None:
    tokens = Tokens(0)
    _, token = mint(tokens)
    with pytest.raises(Refused):
        tokens.use(token["name"], resumes, now)


def test_an_unknown_token_is_a_bad_key() -> None:
    with pytest.raises(Refused, match="API key not valid"):
        Tokens(0).use("auth_tokens/none", False, 0.0)


@pytest.mark.parametrize(
    "body",
    [
        {"expireTime": "soon"},
        {"expireTime": "2999-01-01T00:00:00Z"},
        {"expireTime": "1999-01-01T00:00:00"},
        {"uses": -1},
        {"uses": "many"},
        {"bidiGenerateContentSetup": {"modle": "x"}},
    ],
)
def test_a_bad_request_for_a_token_is_400(body: dict[str, Any]) -> None:
    assert mint(Tokens(0), **body)[0] == 400


def test_a_token_tells_what_it_was_asked() -> None:
    assert mint(Tokens(0), uses=3)[1]["uses"] == 3
    soon = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)).isoformat()
    assert mint(Tokens(0), expireTime=soon)[1]["expireTime"] == soon


# Text endpoint


def ask(path: str, body: Any = None, method: str = "POST", **query: str) -> tuple[int, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
    request = Request(method, path, {"key": "k"} | query, {}, raw)
    answer = Rest(SCRIPTED, None, Tokens(0), Fired()).answer(request, 0.0)
    return answer.status, answer.body if query.get("alt") == "sse" else json.loads(answer.body)


TOOLS = [{"functionDeclarations": [{"name": "report_score"}]}]
PROMPT = {"contents": [{"role": "user", "parts": [{"text": "Candidate: yes."}]}]}


@pytest.mark.parametrize(
    ("path", "body", "method", "status"),
    [
        ("/v1beta/models/gemini-3.8-flash:generateContent", PROMPT, "POST", 200),
        ("/v1beta1/projects/p/locations/l/publishers/google/models/gemini-x:generateContent", PROMPT, "POST", 200),
        ("/prefix/v1beta/models/gemini-3.8-flash:countTokens", PROMPT, "POST", 200),
        ("/v1beta/models/gemini-3.8-flash:embedContent", PROMPT, "POST", 404),
        ("/v1beta/models/gemini-3.8-live:generateContent", PROMPT, "POST", 404),
        ("/v1beta/models/other:generateContent", PROMPT, "POST", 404),
        ("/v1beta/models/gemini-3.8-flash:generateContent", {}, "POST", 400),
        ("/v1beta/models/gemini-3.8-flash:generateContent", b"[", "POST", 400),
        ("/v1beta/models/gemini-3.8-flash:generateContent", b"[]", "POST", 400),
        ("/v1beta/nothing", {}, "POST", 404),
        ("/v1beta/nothing", {}, "GET", 404),
        ("/v1beta/models/gemini-3.8-live", {}, "GET", 200),
        ("/v1beta/models/gemini-9", {}, "GET", 404),
        ("/v1alpha/auth_tokens", {}, "POST", 200),
        ("/v1alpha/authTokens", {}, "POST", 200),
    ],
)
def test_an_endpoint_answers_with_a_status(path: str, body: Any, method: str, status: int) -> None:
    assert ask(path, body, method)[0] == status


def test_snake_case_and_own_names_are_understood() -> None:
    schema = {"type": "OBJECT", "properties": {"overall_band": {"type": "NUMBER"}}}
    body = PROMPT | {"generation_config": {"response_schema": schema}}
    _, answer = ask("/v1beta/models/gemini-x:generateContent", body)
    assert json.loads(answer["candidates"][0]["content"]["parts"][0]["text"]) == {"overall_band": 6.5}


def test_any_calls_one_of_the_allowed_functions() -> None:
    tools = [{"functionDeclarations": [{"name": "report_score"}, {"name": "other"}]}]
    config = {"functionCallingConfig": {"mode": "any", "allowedFunctionNames": ["other"]}}
    _, answer = ask("/v1beta/models/gemini-x:generateContent", PROMPT | {"tools": tools, "toolConfig": config})
    assert answer["candidates"][0]["content"]["parts"] == [{"functionCall": {"name": "other", "args": {}}}]


def test_any_without_a_function_is_answered_in_words() -> None:
    config = {"functionCallingConfig": {"mode": "ANY"}}
    _, answer = ask("/v1beta/models/gemini-x:generateContent", PROMPT | {"toolConfig": config})
    assert list(answer["candidates"][0]["content"]["parts"][0]) == ["text"]


def test_a_call_is_streamed_whole() -> None:
    more = {"tools": TOOLS, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}
    _, (answer,) = ask("/v1beta/models/gemini-x:streamGenerateContent", PROMPT | more)
    assert answer["candidates"][0]["content"]["parts"][0]["functionCall"]["name"] == "report_score"


def test_parts_without_text_are_passed_over() -> None:
    parts = [{"inlineData": {}}, {"text": 5}, *PROMPT["contents"][0]["parts"]]
    path = "/v1beta/models/gemini-x:generateContent"
    assert ask(path, {"contents": [{"parts": parts}]})[1]["candidates"] == ask(path, PROMPT)[1]["candidates"]


def test_a_stream_is_events_or_a_list() -> None:
    path = "/v1beta/models/gemini-x:streamGenerateContent"
    events = ask(path, PROMPT, alt="sse")[1].decode().split("\r\n\r\n")
    assert [json.loads(event.removeprefix("data: ")) for event in events if event] == ask(path, PROMPT)[1]


def test_the_candidate_s_words_are_separated_from_the_rest() -> None:
    text = "Examiner: Where do you live?\nCandidate (0:05): In a town.\n[0:09] Candidate: By a lake.\nGive scores."
    assert candidate_words([text]) == ["In a town.", "By a lake."]
    assert candidate_words(["no labels here"]) == ["no labels here"]
    assert len(candidate_words(["Candidate: (8.0 s of speech)"])[0].split()) == 20


@pytest.mark.parametrize(
    "head", [b"\r\n\r\n", b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nBad Header\r\n\r\n"]
)
def test_garbage_is_not_a_request(head: bytes) -> None:
    with pytest.raises(Malformed):
        Exchange().head(head)


@pytest.mark.parametrize(
    ("headers", "query", "key"),
    [
        ({"x-goog-api-key": "a"}, {}, "a"),
        ({}, {"key": "a"}, "a"),
        ({}, {"access_token": "auth_tokens/a"}, "auth_tokens/a"),
        ({"authorization": "Token auth_tokens/a", "x-goog-api-key": "auth_tokens/a"}, {}, "auth_tokens/a"),
        ({"authorization": "Bearer a"}, {}, "a"),
        ({"authorization": "Basic a"}, {}, None),
        ({}, {}, None),
    ],
)
def test_a_key_is_found_wherever_it_is(headers: dict[str, str], query: dict[str, str], key: str | None) -> None:
    assert Request("GET", "/", query, headers).key == key


# The rest


def test_a_certificate_is_trusted_by_its_own_file(tmp_path: Path) -> None:
    certificate = issue(tmp_path, ["127.0.0.1", "example.test"])
    context = ssl.create_default_context(cafile=str(certificate.ca_file))
    assert len(context.get_ca_certs()) == 1
    assert certificate.key_file.stat().st_mode & 0o077 == 0
    assert certificate.server_context().get_ca_certs() == []
    [known] = context.get_ca_certs()
    assert ssl.cert_time_to_seconds(str(known["notAfter"])) > time.time() + 2 * 365 * 86_400, "a server runs for long"


def test_truth_is_lines_of_json_from_the_first_moment_on(tmp_path: Path) -> None:
    truth = Truth(tmp_path / "below" / "truth.jsonl", began=100.0)
    truth.start({"scenario": "x"}, 100.0)
    truth.write("setup", {"data": b"12", "other": Path("/x")}, 101.5, connection=2)
    truth.close()
    truth.write("late", {}, 102.0)
    first, second = map(json.loads, (tmp_path / "below" / "truth.jsonl").read_text().splitlines())
    assert first["what"] == "server.started"
    assert "at" in first
    assert second == {"t": 1.5, "what": "setup", "connection": 2, "data": "<2 bytes>", "other": "/x"}


async def test_one_can_wait_for_an_event() -> None:
    truth = Truth(None, 0.0)
    waiting = asyncio.create_task(truth.reached("setup", 2))
    for _ in range(2):
        await asyncio.sleep(1)
        assert not waiting.done()
        truth.write("setup", {}, 0.0)
    await waiting
    await truth.reached("setup", 1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 48_000])
def test_detection_keeps_the_start_of_speech(rate: int) -> None:
    detector = Detector(0.1, 0.5)
    loud, quiet = (b"\x00\x10" * 20 + b"\x00\xf0" * 20) * (rate // 400), bytes(rate // 5)
    told = [detector.push(chunk, rate) for chunk in [quiet] * 20 + [loud] * 10 + [quiet] * 10]
    opened = [i for i, (start, _, _) in enumerate(told) if start]
    closed = [i for i, (_, _, end) in enumerate(told) if end]
    assert (opened, closed) == ([20], [34])
    seconds = len(told[opened[0]][1]) / 2 / rate
    assert 0.5 <= seconds <= 0.75


def test_a_click_is_not_speech() -> None:
    detector = Detector(0.1, 0.5)
    click = LOUD[:640] + SILENT[640:]
    assert not any(start for start, _, _ in (detector.push(chunk, 16_000) for chunk in [click, SILENT] * 20))


def test_resampling_keeps_the_length() -> None:
    assert len(speech.resample(LOUD, 16_000)) == len(LOUD)
    assert len(speech.resample(LOUD, 8_000)) == 2 * len(LOUD)
    assert speech.resample(b"", 8_000) == b""


def test_a_tone_is_as_long_as_its_words_and_always_the_same() -> None:
    short, long = speech.tone("One."), speech.tone("One two three four five six seven eight.")
    assert len(long) > 2 * len(short)
    assert speech.ToneSynthesizer().synthesize("One.") == short
    assert speech.tone("") == b""
    assert speech.DescribingTranscriber().transcribe(LOUD * 10) == "(1.0 s of speech)"


@pytest.mark.parametrize("engine", [speech.MoonshineTranscriber, speech.HibariSynthesizer])
def test_a_missing_engine_is_named(engine: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moonshine_voice", None)
    monkeypatch.setitem(sys.modules, "hibari", None)
    with pytest.raises(speech.SpeechMissing, match=r"needs (moonshine-voice|hibari-tts)=="):
        engine()


def test_a_package_without_its_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moonshine_voice", SimpleNamespace(get_model_path=lambda _: tmp_path))
    with pytest.raises(speech.SpeechMissing, match="has no model inside"):
        speech.MoonshineTranscriber()


def test_nothing_is_said_in_silence() -> None:
    assert speech.shared_synthesizer().synthesize(" ") == b""
