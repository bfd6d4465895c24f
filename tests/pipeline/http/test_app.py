"""The HTTP server: who gets in, what is refused and in which words, and what every answer carries."""

import asyncio
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from loguru import logger

from pipeline.http.app import WEB, create_app
from pipeline.http.guard import MOST_BODY
from pipeline.http.listen import CannotListen, bind
from pipeline.http.throttle import COST, FREE, LONGEST_WAIT
from pipeline.http.tickets import MOST_TICKETS, MOST_UNUSED_OF_ADDRESS, READABLE_FOR, UNUSED_FOR, Tickets
from support.fake_host import INFO, FakeRecords, serving
from support.peer import Peer
from transports.webrtc.listener import WebRtcListener, WebRtcSettings

pytestmark = pytest.mark.real_time

KEY = {"Authorization": "Bearer open-sesame"}


class Visitor(httpx.AsyncClient):
    """A client of an app with the listener and the records behind it."""

    listener: WebRtcListener
    records: FakeRecords

    async def begin(self, **body: Any) -> dict[str, Any]:
        answer = await self.post("/api/sessions", headers=KEY, json={"consent": True, **body})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def offer(self, token: str, sdp: str, **body: Any) -> httpx.Response:
        return await self.post("/api/offer", headers=bearer(token), json={"sdp": sdp, "type": "offer", **body})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def visiting(**settings: Any) -> AsyncIterator[Visitor]:
    listener = WebRtcListener(WebRtcSettings.model_validate({"key": "open-sesame", **settings}))
    records = FakeRecords()
    app = create_app(listener=listener, records=records, info=INFO)
    async with Visitor(transport=httpx.ASGITransport(app), base_url="http://localhost") as visitor:
        visitor.listener, visitor.records = listener, records
        try:
            yield visitor
        finally:
            await listener.close()
            await listener.hang_up()


@pytest.fixture
async def sdp() -> str:
    peer = Peer()
    sdp = await peer.offer()
    await peer.close()
    return sdp


def answered(answer: httpx.Response) -> tuple[int, str]:
    assert list(answer.json()) == ["error"], answer.text
    sentence = answer.json()["error"]
    assert "\n" not in sentence and sentence.endswith(".")
    return answer.status_code, sentence


async def test_the_page_and_its_files_are_served() -> None:
    async with visiting() as visitor:
        page = await visitor.get("/")
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
            assert (await visitor.get(path)).status_code == 200, path
        assert (await visitor.get("/healthz")).json() == {"status": "ok", "calls": 0}
        assert (await visitor.get("/api/exam")).json() == {
            "name": "Speaking practice",
            "model": "gemini-live",
            "emulated": True,
            "questions": 3,
            "minutes": 2,
            "criteria": ["fluency", "vocabulary", "grammar", "pronunciation", "overall"],
            "scale": [0, 9],
        }


def test_the_page_names_no_other_host_and_runs_no_inline_script() -> None:
    for path in WEB.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "").replace("http://localhost", "")
        assert not re.search(r"\bhttps?://|//[a-z]+\.[a-z]+/", text), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text), path.name
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=\"|style=\"", text), path.name


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/api/exam", "/nowhere", "/api/sessions/x"])
async def test_every_answer_carries_the_security_headers(path: str) -> None:
    async with visiting() as visitor:
        headers = (await visitor.get(path, headers={"Origin": "https://elsewhere.example"})).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "microphone=(self)" in headers["permissions-policy"]
    assert not any(name.startswith("access-control") for name in headers)


@pytest.mark.parametrize("headers", [{}, bearer("wrong"), {"Authorization": "open-sesame"}, bearer("")])
async def test_a_session_needs_the_access_key(headers: dict[str, str]) -> None:
    async with visiting() as visitor:
        answer = await visitor.post("/api/sessions", headers=headers, json={"consent": True})
        assert answered(answer) == (401, "The access key or session token is not valid.")


@pytest.mark.parametrize("body", [{}, {"consent": False}])
async def test_a_session_needs_consent(body: dict[str, bool]) -> None:
    async with visiting() as visitor:
        answer = await visitor.post("/api/sessions", headers=KEY, json=body)
        assert answered(answer) == (400, "Consent to the recording is needed before a call can begin.")


async def test_an_offer_with_a_session_token_becomes_a_call(sdp: str) -> None:
    async with visiting() as visitor:
        session = await visitor.begin(caller="  Bruce ")
        answer = await visitor.offer(session["token"], sdp)
        assert answer.status_code == 200 and set(answer.json()) == {"sdp", "type", "pc_id"}
        await visitor.listener.close()
        [call] = [call async for call in visitor.listener]
        assert (call.id, call.caller) == (session["session"], "Bruce")
        assert session["token"] not in str(call)


async def test_an_offer_in_the_body_form_of_pipecats_client_is_answered(sdp: str) -> None:
    async with visiting() as visitor:
        session = await visitor.begin()
        body = {"sdp": sdp, "type": "offer", "pc_id": None, "restart_pc": False}
        origin = {"session": session["session"], "token": session["token"]}
        answer = await visitor.post("/api/offer", json={**body, "requestData": origin})
        assert answer.status_code == 200


async def test_a_client_with_only_the_access_key_gets_a_session_on_the_spot(sdp: str) -> None:
    async with visiting() as visitor:
        answer = await visitor.offer("open-sesame", sdp)
        assert answer.status_code == 200
        session, token = answer.json()["session"], answer.json()["token"]
        assert visitor.listener.calls == {session}
        patch = {"pc_id": answer.json()["pc_id"], "candidates": [{"candidate": "", "sdp_mid": "0"}]}
        assert (await visitor.patch("/api/offer", headers=KEY, json=patch)).json() == {"status": "success"}
        visitor.records.stored[session] = {"id": session}
        assert (await visitor.get(f"/api/sessions/{session}", headers=bearer(token))).json() == {"id": session}


async def test_a_second_tab_with_the_same_session_is_refused_and_the_first_goes_on(sdp: str) -> None:
    async with visiting() as visitor:
        session = await visitor.begin()
        first = await visitor.offer(session["token"], sdp)
        second = await visitor.offer(session["token"], sdp)
        assert answered(second) == (
            409,
            "This exam is already open in another tab or window; start a new one to go on.",
        )
        assert visitor.listener.calls == {session["session"]} and visitor.listener.holds(first.json()["pc_id"])


async def test_of_two_offers_at_once_one_is_answered(sdp: str) -> None:
    async with visiting() as visitor:
        session = await visitor.begin()
        answers = await asyncio.gather(*(visitor.offer(session["token"], sdp) for _ in range(2)))
        assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_session_that_is_over_is_not_opened_again(sdp: str) -> None:
    async with visiting() as visitor:
        session = await visitor.begin()
        await visitor.offer(session["token"], sdp)
        await visitor.listener.hang_up()
        assert answered(await visitor.offer(session["token"], sdp)) == (
            409,
            "This exam is over; start a new one to go on.",
        )


async def test_only_the_tab_that_holds_a_call_may_renegotiate_it(sdp: str) -> None:
    async with visiting() as visitor:
        mine, other = await visitor.begin(), await visitor.begin()
        pc_id = (await visitor.offer(mine["token"], sdp)).json()["pc_id"]
        assert answered(await visitor.offer(other["token"], sdp, pc_id=pc_id))[0] == 404
        again = await visitor.offer(mine["token"], sdp, pc_id=pc_id, restart_pc=True)
        assert again.status_code == 200 and again.json()["pc_id"] != pc_id
        assert visitor.listener.calls == {mine["session"]}


async def test_a_garbage_offer_is_a_sentence_and_the_session_can_be_used_again(sdp: str) -> None:
    async with visiting() as visitor:
        session = await visitor.begin()
        assert answered(await visitor.offer(session["token"], "garbage")) == (
            400,
            "The first media section of the SDP offer must be audio.",
        )
        assert not visitor.listener.calls
        assert (await visitor.offer(session["token"], sdp)).status_code == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"sdp": 1, "type": "offer"}', b'{"type": "offer"}', b"\xff\xfe", b"null", b"[" * 5000]
)
async def test_a_body_that_is_no_offer_is_refused_in_a_sentence(body: bytes) -> None:
    async with visiting() as visitor:
        session = await visitor.begin()
        answer = await visitor.post("/api/offer", headers=bearer(session["token"]), content=body)
        status, sentence = answered(answer)
        assert status == 400 and sentence.startswith("The request could not be read: ")


async def test_a_body_that_is_too_long_is_not_read() -> None:
    async with visiting() as visitor:
        answer = await visitor.post("/api/sessions", headers=KEY, content=b" " * (MOST_BODY + 1))
        assert answered(answer) == (413, "The request is too long; at most 65536 bytes are read.")
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_wrong_token_opens_nothing(sdp: str) -> None:
    async with visiting() as visitor:
        session = await visitor.begin()
        forged = session["token"][:-1] + ("a" if session["token"][-1] != "a" else "b")
        for token in ("wrong", forged, session["session"], session["session"] + "."):
            assert answered(await visitor.offer(token, sdp))[0] == 401
            assert answered(await visitor.get(f"/api/sessions/{session['session']}", headers=bearer(token)))[0] == 401
            patch = {"pc_id": "x", "candidates": []}
            assert answered(await visitor.patch("/api/offer", headers=bearer(token), json=patch))[0] == 401


async def test_the_server_is_full_at_its_limit(sdp: str) -> None:
    async with visiting(max_calls=2) as visitor:
        first, second, late = [await visitor.begin() for _ in range(3)]
        for session in (first, second):
            assert (await visitor.offer(session["token"], sdp)).status_code == 200
        full = answered(await visitor.offer(late["token"], sdp))
        assert full == (503, "All lines are busy; try again in a few minutes.")
        answer = await visitor.post("/api/sessions", headers=KEY, json={"consent": True})
        assert answered(answer) == (503, "All lines are busy; try again in a few minutes.")
        assert answer.headers["retry-after"] == "60"
        assert answered(await visitor.offer("open-sesame", sdp))[0] == 503


async def test_tickets_that_nobody_uses_keep_no_line_busy(sdp: str) -> None:
    async with visiting(max_calls=1) as visitor:
        for _ in range(20):
            await visitor.begin()
        session = await visitor.begin()
        assert (await visitor.offer(session["token"], sdp)).status_code == 200


async def test_many_wrong_keys_are_delayed_then_refused_unseen_and_logged_with_a_count() -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING")
    async with visiting() as visitor:
        loop = asyncio.get_running_loop()
        began = loop.time()
        requests = (
            visitor.post("/api/sessions", headers=bearer(f"wrong-{n}"), json={"consent": True}) for n in range(200)
        )
        answers = Counter([one.status_code for one in await asyncio.gather(*requests)])
        compared = answers[401]
        assert set(answers) == {401, 429} and compared <= FREE + (loop.time() - began + LONGEST_WAIT) / COST + 1
        assert loop.time() - began >= (compared - FREE - 1) * COST
        refused = await visitor.post("/api/sessions", headers=bearer("wrong"), json={"consent": True})
        assert answered(refused)[0] in {401, 429}
        await visitor.begin()  # the right key has a turn like any other
    logger.remove(sink)
    wrong = [line for line in lines if "Wrong access keys" in line]
    assert 1 <= len(wrong) <= 2 + (loop.time() - began) / 10 and "wrong-" not in "".join(lines)


async def test_garbage_from_a_client_with_only_the_key_takes_no_place() -> None:
    async with visiting(max_calls=1) as visitor:
        for _ in range(3):
            assert answered(await visitor.offer("open-sesame", "garbage"))[0] == 400
        await visitor.begin()


async def test_a_record_is_read_with_its_own_token_only() -> None:
    async with visiting() as visitor:
        mine, other = await visitor.begin(), await visitor.begin()
        path = f"/api/sessions/{mine['session']}"
        assert answered(await visitor.get(path, headers=bearer(mine["token"]))) == (
            404,
            "There is no record of this session yet.",
        )
        visitor.records.stored[mine["session"]] = {"id": mine["session"], "events": []}
        answer = await visitor.get(path, headers=bearer(mine["token"]))
        assert answer.json() == {"id": mine["session"], "events": []} and answer.headers["cache-control"] == "no-store"
        for headers in ({}, bearer(other["token"]), KEY):
            assert answered(await visitor.get(path, headers=headers))[0] == 401


async def test_a_fault_of_ours_is_a_sentence_without_particulars() -> None:
    async with visiting() as visitor:
        session = await visitor.begin()

        async def broken(session_id: str) -> None:
            raise OSError("postgresql://user:password@db refused")

        visitor.records.record = broken  # pyright: ignore[reportAttributeAccessIssue]
        answer = await visitor.get(f"/api/sessions/{session['session']}", headers=bearer(session["token"]))
        assert answered(answer) == (500, "Something went wrong on our side; try again.")
        assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("DELETE", "/api/offer"), ("GET", "/static/../server.py")]
)
async def test_what_is_not_there_is_json_too(method: str, path: str) -> None:
    async with visiting() as visitor:
        answer = await visitor.request(method, path)
        assert answer.status_code in {404, 405} and list(answer.json()) == ["error"]


def test_whoever_asks_for_tickets_without_end_loses_their_own() -> None:
    tickets = Tickets(lambda: 0.0)
    used, used_token = tickets.issue("", "203.0.113.9")
    used.state = "used"
    _, other = tickets.issue("", "198.51.100.7")
    tokens = [tickets.issue("", "203.0.113.9")[1] for _ in range(MOST_UNUSED_OF_ADDRESS + 10)]
    assert [tickets.find(token) is None for token in tokens] == [True] * 10 + [False] * MOST_UNUSED_OF_ADDRESS
    assert tickets.find(used_token) is used and tickets.find(other) is not None


def test_tickets_of_very_many_addresses_drop_no_call_that_is_going_on() -> None:
    tickets = Tickets(lambda: 0.0)
    used, token = tickets.issue("", "198.51.100.7")
    used.state = "used"
    for number in range(MOST_TICKETS + 10):
        tickets.issue("", f"10.0.{number // 250}.{number % 250}")
    assert tickets.find(token) is used


def test_a_ticket_that_is_not_used_is_valid_for_a_while() -> None:
    now = 0.0
    tickets = Tickets(lambda: now)
    unused, token = tickets.issue("")
    used, other = tickets.issue("bruce")
    used.state = "used"
    assert unused.caller.startswith("visitor-") and tickets.find(token) is unused
    assert token.encode() not in unused.token_hash
    now = UNUSED_FOR + 1
    assert tickets.find(token) is None
    assert tickets.find(other) is used and tickets.find(other, unused.session) is None
    now = READABLE_FOR + 1
    assert tickets.find(other) is None


def test_a_port_in_use_is_a_sentence() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen) as caught:
            bind("127.0.0.1", port)
    assert str(caught.value) == (
        f"Cannot listen on 127.0.0.1:{port}: another program has that port; stop it or choose another `port`."
    )


def test_an_address_of_another_machine_is_a_sentence() -> None:
    with pytest.raises(CannotListen, match=r"that is not an address of this machine; correct `host`\.$"):
        bind("192.0.2.1", 0)


def test_a_host_that_does_not_exist_is_a_sentence() -> None:
    with pytest.raises(CannotListen, match=r"^Cannot listen on no\.such\.host\.invalid: no such host"):
        bind("no.such.host.invalid", 8080)


def test_a_port_that_is_forbidden_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(CannotListen, match=r"this user may not use that port; choose a `port` above 1023\.$"):
        bind("127.0.0.1", 80)


@pytest.mark.parametrize("path", ["/api/sessions", "/api/offer"])
async def test_a_client_that_leaves_in_mid_body_is_nobody_s_error(path: str) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level="INFO")
    async with serving(key="open-sesame") as host:
        port = int(host.url.rpartition(":")[2])
        for _ in range(5):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            head = (
                f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer open-sesame\r\nContent-Length: 999\r\n\r\n{{"
            )
            writer.write(head.encode())
            await writer.drain()
            async with httpx.AsyncClient(base_url=host.url) as client:  # by its answer the head has been read
                assert (await client.get("/healthz")).status_code == 200
            writer.close()
            await writer.wait_closed()
        async with httpx.AsyncClient(base_url=host.url) as client:
            assert (await client.get("/healthz")).status_code == 200
    logger.remove(sink)
    assert [line for line in lines if "Traceback" in line or "ERROR" in line] == []


async def test_nobody_is_called_in_while_nothing_can_be_recorded(sdp: str) -> None:
    sentence = "No exam can be recorded at the moment; try again in a minute."
    async with visiting() as visitor:
        begun = await visitor.begin()
        visitor.records.away = True
        offered = await visitor.offer(begun["token"], sdp)
        assert answered(offered) == (503, sentence) and offered.headers["retry-after"] == "60"
        assert answered(await visitor.post("/api/sessions", headers=KEY, json={"consent": True})) == (503, sentence)
        assert answered(await visitor.post("/api/offer", headers=KEY, json={"sdp": sdp, "type": "offer"})) == (
            503,
            sentence,
        )
        read = await visitor.get(f"/api/sessions/{begun['session']}", headers=bearer(begun["token"]))
        assert answered(read) == (503, "The record cannot be read now; try again in a minute.")
        assert visitor.listener.calls == frozenset(), "no call was answered"
        visitor.records.away = False
        assert (await visitor.offer(begun["token"], sdp)).status_code == 200, "the same ticket will do"
