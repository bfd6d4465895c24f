"""What a receiver gets, how it knows that it is ours, and what its answers mean."""

import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from core.events import TranscriptMeasured, VerdictGiven, WebhookFailed
from pipeline.config.file import WebhookSettings
from pipeline.jobs.webhook import Answer, deliver, message, message_id, post, signed_headers
from pipeline.record.models import SessionRecord
from pipeline.record.store import Store
from support.configs import Folder, folder
from support.receiver import CUT, HANG, SECRET, Receiver, receiving
from support.record import EXAM, numbered, opening

__all__ = ["folder"]

pytestmark = pytest.mark.real_time

NOW = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)

DOCUMENT = (Path(__file__).parents[3] / "docs" / "jobs.md").read_text("utf-8")

VERDICT = VerdictGiven(10.0, "partial", {"version": 1, "status": "partial", "criteria": []})


def documented_check() -> Callable[..., str]:
    names: dict[str, Any] = {}
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT, re.S)
    exec(example, names)
    return names["check"]


@pytest.fixture
async def record(tmp_path: Path) -> SessionRecord:
    store = await Store.open(f"sqlite+aiosqlite:///{tmp_path}/sessions.db")
    await store.open_session(opening("s1", verdict_pending=True, webhook_pending=True))
    await store.append("s1", numbered([TranscriptMeasured(9.0, 0.97, 40.0, 2, 1), *EXAM, VERDICT]))
    found = await store.session("s1")
    await store.close()
    assert found is not None
    return found


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as one:
        yield one


def settings(receiver: Receiver, **changes: Any) -> WebhookSettings:
    return WebhookSettings(url=receiver.url, secret=SecretStr(SECRET), **changes)


def test_a_message_is_signed_as_the_standard_has_it() -> None:
    # The example of the reference libraries of Standard Webhooks.
    headers = signed_headers(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', 1614265330
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_check_in_the_document_knows_our_messages_from_others() -> None:
    check = documented_check()
    headers = signed_headers(SECRET, "msg_1", b"{}", 1000)
    assert check(SECRET, headers, b"{}", 1200.0) == "msg_1"
    assert check(SECRET, headers | {"webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}, b"{}", 1000.0)
    for changed, body, now in (
        ({}, b"{ }", 1000.0),
        ({}, b"{}", 1301.0),
        ({"webhook-id": "msg_2"}, b"{}", 1000.0),
        ({"webhook-timestamp": "1001"}, b"{}", 1000.0),
        ({"webhook-signature": headers["webhook-signature"].replace("v1,", "v2,")}, b"{}", 1000.0),
    ):
        with pytest.raises(ValueError, match=r"signature|old"):
            check(SECRET, headers | changed, body, now)


@pytest.mark.parametrize(
    "secret", ["", "hunter2", "whsec_", "whsec_c2hvcnQ=", SECRET.removeprefix("whsec_"), "whsec_ä"]
)
def test_a_secret_that_is_none_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WebhookSettings(url="https://school.example", secret=SecretStr(secret))
    [error] = refused.value.errors()
    assert error["msg"] == (
        "Value error, expected a secret of Standard Webhooks, of 24 to 64 random bytes: docs/jobs.md makes one"
    )


UNUSABLE = [
    ("http://school.example:99999/x", "a port is a number from 1 to 65535"),
    ("http://school.example:0/x", "a port is a number from 1 to 65535"),
    ("http://school.example:-1/x", "a port is a number from 1 to 65535"),
    ("http://school.example:https/x", "a port is a number from 1 to 65535"),
    ("http://[::1/x", "the address has no host or port that can be read"),
    ("http://exam ple/x", "the address holds a blank or a control character"),
    ("http://school.example/\x7f", "the address holds a blank or a control character"),
    ("http://a..b/x", "the address has no name of a host in it"),
    (f"http://{'a' * 64}.example/x", "the address has no name of a host in it"),
    ("http:///x", "expected an address that begins with https:// or http://"),
]


@pytest.mark.parametrize(("url", "why"), UNUSABLE)
def test_a_receiver_that_nothing_can_be_sent_to_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WebhookSettings(url=url, secret=SecretStr(SECRET))
    [error] = refused.value.errors()
    assert why in error["msg"]


@pytest.mark.parametrize(
    "url",
    ["https://school.example", "http://[::1]:8080/x", "http://127.0.0.1:65535/x?a=b", "https://schüle.example./x"],
)
def test_a_receiver_may_have_any_name_and_port(url: str) -> None:
    assert WebhookSettings(url=url, secret=SecretStr(SECRET)).url == url


@pytest.mark.parametrize(("url", "why"), UNUSABLE)
async def test_what_cannot_be_sent_is_given_up_at_once(
    record: SessionRecord, client: httpx.AsyncClient, url: str, why: str
) -> None:
    known = WebhookSettings(url="https://school.example", secret=SecretStr(SECRET))
    outcome, wait = await deliver(client, known.model_copy(update={"url": url}), record, "exam.yaml")
    assert isinstance(outcome, WebhookFailed) and outcome.last and wait is None
    assert outcome.why.startswith("it cannot be sent: ") and why in outcome.why


async def test_an_error_that_no_library_explains_ends_one_attempt(record: SessionRecord) -> None:
    def failing(_: httpx.Request) -> httpx.Response:
        raise OverflowError("a port that is none")

    known = WebhookSettings(url="https://school.example", secret=SecretStr(SECRET))
    async with httpx.AsyncClient(transport=httpx.MockTransport(failing)) as client:
        outcome, wait = await deliver(client, known, record, "exam.yaml")
    assert isinstance(outcome, WebhookFailed) and not outcome.last and wait is not None
    assert outcome.why == "no answer: a port that is none"


@pytest.mark.parametrize("url", ["ftp://school.example/x", "school.example", "file:///etc/passwd", "https://"])
def test_a_receiver_is_reached_by_http(url: str) -> None:
    with pytest.raises(ValidationError, match="expected an address that begins with https:// or http://"):
        WebhookSettings(url=url, secret=SecretStr(SECRET))


def test_a_config_with_a_webhook_needs_scores_and_keeps_the_secret(folder: Folder) -> None:
    webhook = 'webhook: {url: "https://u:word@school.example/x?token=tok", secret: "${HOOK}"}\n'
    assert folder.complaints(f"stages:\n  - use: resampler\n{webhook}", {"HOOK": SECRET}) == [
        "exam.yaml: webhook: nothing is scored, so there is no result to send; add the stage `scoring` (line 3)"
    ]
    (folder.path / "rubric.yaml").write_text(
        "name: r\nscale: {min: 0, max: 9, step: 1}\ncriteria: [{name: fluency}]\n", encoding="utf-8"
    )
    scored = f"stages:\n  - {{use: scoring, rubric: rubric.yaml}}\n{webhook}"
    shown = json.dumps(folder.load(scored, {"HOOK": SECRET}).resolved()["webhook"])
    assert "school.example" in shown
    assert not any(secret in shown for secret in (SECRET, "word@", 'tok"'))
    (complaint,) = folder.complaints(scored, {"HOOK": "whsec_not-a-good-one"})
    assert "webhook.secret: " in complaint
    assert "not-a-good-one" not in complaint


def test_a_message_says_how_the_exam_went(record: SessionRecord) -> None:
    sent = message(record)
    assert (sent["id"], sent["type"], sent["timestamp"]) == (message_id("s1"), "session.scored", "2026-03-04T10:30:10Z")
    data = sent["data"]
    assert (data["session"]["id"], data["session"]["why"], data["session"]["caller"]) == ("s1", "completed", "anna")
    assert data["verdict"] == VERDICT.verdict
    assert data["bill"] == {"usd": "0.001", "tokens": 30, "estimated": False}
    assert data["transcript"] == {"completeness": 0.97, "voiced": 40.0, "gaps": 2, "repaired": 1}
    assert "My name is Anna" not in json.dumps(sent)
    assert sorted(f"data.{key}" for key in data) == sorted(re.findall(r"^\| `(data\.\w+)`", DOCUMENT, re.M))


def test_an_id_is_the_sessions_and_has_no_dot() -> None:
    assert message_id("s1") == message_id("s1") != message_id("s2")
    assert re.fullmatch(r"msg_[0-9a-f]{32}", message_id("a.b\r\nx: y"))


async def test_what_is_posted_can_be_checked(record: SessionRecord, client: httpx.AsyncClient) -> None:
    async with receiving() as receiver:
        assert await post(client, settings(receiver), record, NOW) == Answer(204)
    (posted,) = receiver.posted
    assert documented_check()(SECRET, posted.headers, posted.body, NOW.timestamp()) == message_id("s1")
    assert json.loads(posted.body) == message(record)
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["user-agent"].startswith("Colloquy/")


async def test_a_refusal_is_read_up_to_a_limit(record: SessionRecord, client: httpx.AsyncClient) -> None:
    async with receiving(lambda _: 503) as receiver:
        receiver.says, receiver.headers = "no\n" * 100_000, {"retry-after": "120"}
        answer = await post(client, settings(receiver), record, NOW)
    assert (answer.status, answer.accepted, answer.lasting, answer.wait) == (503, False, False, 120.0)
    assert answer.why.startswith("503 Said So: no no") and len(answer.why) < 250


async def test_a_redirect_is_not_followed(record: SessionRecord, client: httpx.AsyncClient) -> None:
    async with receiving() as elsewhere, receiving(lambda _: 307) as receiver:
        receiver.headers = {"location": elsewhere.url}
        answer = await post(client, settings(receiver), record, NOW)
    assert (answer.status, answer.accepted) == (307, False)
    assert elsewhere.posted == []


async def test_a_receiver_that_is_gone_says_so(record: SessionRecord, client: httpx.AsyncClient) -> None:
    async with receiving(lambda _: 410) as receiver:
        assert (await post(client, settings(receiver), record, NOW)).lasting


@pytest.mark.parametrize(("status", "lasting"), [(410, True), (503, False)])
async def test_a_status_counts_though_the_rest_of_the_answer_never_comes(
    record: SessionRecord, client: httpx.AsyncClient, status: int, lasting: bool
) -> None:
    async with receiving(lambda _: status) as receiver:
        receiver.says, receiver.stops_after, receiver.headers = "Not here any more.", 8, {"retry-after": "7"}
        answer = await post(client, settings(receiver, timeout=0.5), record, NOW)
    assert answer == Answer(status, f"{status} Said So: Not here", 7.0, lasting)


async def test_no_answer_is_a_sentence(record: SessionRecord, client: httpx.AsyncClient) -> None:
    async with receiving(lambda _: HANG) as receiver:
        assert await post(client, settings(receiver, timeout=0.1), record, NOW) == Answer(0, "no answer in 0.1 s")
    async with receiving(lambda _: CUT) as receiver:
        cut = await post(client, settings(receiver), record, NOW)
    nobody = await post(client, settings(receiver), record, NOW)
    assert {cut.status, nobody.status} == {0}
    assert cut.why.startswith("no answer: ") and nobody.why.startswith("no answer: ")


async def test_a_slow_receiver_has_the_time_that_the_config_gives_it(record: SessionRecord) -> None:
    async with receiving() as receiver, httpx.AsyncClient(timeout=0.05) as impatient:
        receiver.delay = 0.5
        answer = await post(impatient, settings(receiver, timeout=60), record, NOW)
    assert (answer, len(receiver.posted)) == (Answer(204), 1)
