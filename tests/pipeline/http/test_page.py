"""The page in Chromium, against a host without an examiner that plays a script."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from core.events import (
    AudioResumed,
    AudioStopped,
    CallBilled,
    CallEnded,
    CallMeasured,
    ConnectionLost,
    ConnectionOpened,
    EchoDetected,
    Event,
    ExamProgressed,
    ScoreGiven,
    ScoreMissing,
    UtteranceSpoken,
    VerdictGiven,
    as_record,
)
from core.scoring import Refused, Stated, decide
from support.browser import Chromium, chromium, patch_microphone, say
from support.clips import ANSWERS, READ
from support.deadline import expecting
from support.fake_host import INFO, Conversation, FakeHost, serving
from support.record import until
from support.score_cases import rubric
from support.sound import ARRIVED, at_rate, likeness

pytestmark = [pytest.mark.real_time, pytest.mark.asyncio(loop_scope="module")]

SCORES: list[Event] = [
    ScoreGiven(60, "fluency", 6.0, "call", "even pace"),
    ScoreGiven(60, "vocabulary", 6.5, "block", "<b>university town</b>"),
    ScoreGiven(60, "grammar", 6, "speech", "Grammar, six."),
    ScoreGiven(60, "overall", 6, "text"),
    ScoreMissing(60, "pronunciation", "nothing was said about it"),
]
READINGS = [
    Stated("fluency", 6, "call"),
    Stated("fluency", 6, "speech"),
    Stated("grammar", 6, "call"),
    Stated("grammar", 7, "speech"),
    Refused("grammar", "block", "9.7 is not on a step of 0.5"),
]
VERDICT = decide(rubric(), READINGS)
ENDING: list[Event] = [
    VerdictGiven(60, VERDICT.status, VERDICT.as_record()),
    CallBilled(61, "0.018234", 12345, True),
    CallMeasured(61, 0.92, 1.4, 0, 0.05, 62.0),
    CallEnded(62, "completed"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Chromium]:
    async with chromium() as browser:
        yield browser


def record_of(events: list[Event]) -> dict[str, Any]:
    """A record as the store exports it."""
    kinds = [as_record(event) for event in events]
    return {
        "events": [{"seq": n, "at": data["at"], "kind": kind, "data": data} for n, (kind, data) in enumerate(kinds)]
    }


async def begin(page: Page, host: FakeHost) -> None:
    """Open the page, agree and start, with the keyboard alone."""
    await page.goto(host.page_url)
    await expect(page.get_by_role("heading", level=1)).to_have_text(INFO.name)
    await page.get_by_label("Your name").focus()
    await page.keyboard.type("Bruce")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")


async def started(page: Page, host: FakeHost) -> Conversation:
    await begin(page, host)
    async with expecting("the page's call arrives and its client is ready"):
        conversation = await host.arrived.get()
        await conversation.ready.wait()
    return conversation


async def finish(conversation: Conversation, host: FakeHost, events: list[Event]) -> None:
    host.records.stored[conversation.call.id] = record_of(events)
    for event in events:
        await conversation.tell(event)
    await conversation.hang_up()


async def test_a_call_from_consent_to_record(browser: Chromium) -> None:
    opening = UtteranceSpoken(1, "examiner", "What is your name, and where do you live?", 0.5, 3.0)
    answer = UtteranceSpoken(9, "caller", "My name is Bruce.", 3.5, 9.0)
    async with serving() as host, browser.page() as page:
        elsewhere: list[str] = []
        page.on("request", lambda request: elsewhere.append(request.url))
        conversation = await started(page, host)
        assert page.url == f"{host.url}/", "the key stayed in the address bar"
        assert conversation.call.caller == "Bruce"

        # The examiner's words grow as they are spoken, and become final in place.
        await conversation.send("bot-started-speaking")
        await expect(page.locator("#status")).to_have_text("The examiner is speaking")
        await conversation.send("bot-tts-text", text="What is your")
        await conversation.send("bot-tts-text", text=" name,")
        lines = page.locator("#transcript > li")
        await expect(lines).to_have_count(1)
        await expect(lines.nth(0).locator(".words")).to_have_text("What is your name,")
        await conversation.tell(opening)
        await conversation.send("bot-tts-text", text="and where do")  # still being spoken
        await conversation.send("bot-tts-text", text="you live?")
        await conversation.tell(ExamProgressed(3, 1, 3))
        await conversation.send("bot-stopped-speaking")
        await expect(page.locator("#status")).to_have_text("Your turn: speak when you are ready")
        await expect(page.locator("#progress")).to_have_text("1 of 3")
        await expect(lines).to_have_count(1)
        await expect(lines.nth(0).locator(".words")).to_have_text(opening.text)

        await conversation.send("user-started-speaking")
        await expect(page.locator("#status")).to_have_text("We hear you")
        await conversation.send("user-transcription", text="My", final=False, user_id="", timestamp="")
        await conversation.send("user-transcription", text="My name is", final=False, user_id="", timestamp="")
        await expect(lines.nth(1).locator(".words")).to_have_text("My name is")
        await conversation.tell(answer)
        await expect(lines.nth(1).locator(".words")).to_have_text(answer.text)
        await expect(lines.nth(1).locator(".who")).to_have_text("You")
        await expect(page.locator("#announcements > p")).to_have_text(
            [f"Examiner: {opening.text}", f"You: {answer.text}"]
        )

        await finish(conversation, host, [opening, ExamProgressed(3, 1, 3), answer, *SCORES, *ENDING])
        await expect(page.get_by_role("heading", name="Your result")).to_be_focused()
        cards = page.locator("#scores > li")
        await expect(cards).to_have_count(5)
        assert [" ".join((await card.inner_text()).split()) for card in await cards.all()] == [
            "Fluency and coherence 6 of 9 even pace Reported by the examiner 2 readings agree.",
            "Lexical resource 6.5 of 9 <b>university town</b> From the examiner’s written summary",
            "Grammatical range and accuracy 6 of 9 Grammar, six. Heard in the examiner’s words"
            " Another reading differs: 7; a stated value that is not on the scale was left out.",
            "Pronunciation Not enough evidence Nothing was said about it",
            "Overall band score 6 of 9 Worked out from the transcript afterwards",
        ]
        await expect(page.locator("#verdict")).to_have_text("Some are missing")
        await expect(page.locator("#cost")).to_contain_text("$0.0182")
        await expect(page.locator("#emulated-result")).to_be_visible()
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Download the record").click()
        saved = await asyncio.to_thread(Path(await (await download.value).path()).read_text)
        assert json.loads(saved) == host.records.stored[conversation.call.id]
        async with expecting("the pipeline of the call ends"):
            await conversation.over.wait()
        assert not [url for url in elsewhere if not url.startswith((host.url, "blob:"))]


async def test_the_candidate_and_the_examiner_hear_each_other(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        await patch_microphone(page)
        conversation = await started(page, host)
        await conversation.say(at_rate(2 * READ.pcm, 24_000), 24_000)
        speaking = asyncio.create_task(say(page, ANSWERS[2].path))
        level = await page.evaluate(
            """async () => {
                const context = new AudioContext(), analyser = context.createAnalyser();
                context.createMediaStreamSource(document.querySelector("#voice").srcObject).connect(analyser);
                const samples = new Float32Array(analyser.fftSize);
                let loud = 0;
                for (let step = 0; step < 200 && loud <= 20; step += 1) {
                    await new Promise((done) => setTimeout(done, 50));
                    analyser.getFloatTimeDomainData(samples);
                    loud += Math.hypot(...samples) / Math.sqrt(samples.length) > 0.005;
                }
                return loud;
            }"""
        )
        assert level > 20, "the examiner's voice does not reach the page"
        await speaking
        said = at_rate(ANSWERS[2].pcm, 48_000)
        await until(lambda: likeness(said, bytes(conversation.sink.audio)) > ARRIVED, every=0.2)


async def test_nothing_is_asked_of_the_microphone_or_the_server_before_consent(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        await page.add_init_script(
            "window.asked = 0; const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);"
            "navigator.mediaDevices.getUserMedia = (...wanted) => { window.asked += 1; return ask(...wanted); };"
        )
        await page.goto(host.page_url)
        await page.get_by_role("button", name="Start the exam").click()
        await expect(page.get_by_role("alert")).to_have_text("Tick the box to agree before the exam can start.")
        await expect(page.get_by_role("checkbox")).to_be_focused()
        assert await page.evaluate("window.asked") == 0
        assert not host.listener.calls


async def test_a_blocked_microphone_is_a_sentence_and_takes_no_place(browser: Chromium) -> None:
    async with serving() as host, browser.page(microphone=False) as page:
        await begin(page, host)
        await expect(page.get_by_role("alert")).to_contain_text("The microphone is blocked: allow it")
        await expect(page.get_by_role("button", name="Start the exam")).to_be_enabled()
        assert not host.listener.calls


async def test_a_missing_microphone_is_a_sentence(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        await page.add_init_script(
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); }"
        )
        await begin(page, host)
        await expect(page.get_by_role("alert")).to_have_text("No microphone was found: connect one, then start again.")


async def test_a_wrong_key_can_be_corrected_on_the_page(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        await page.goto(f"{host.url}/#key=wrong")
        await page.get_by_role("checkbox").check()
        await page.get_by_role("button", name="Start the exam").click()
        await expect(page.get_by_role("alert")).to_have_text("The access key or session token is not valid.")
        await expect(page.get_by_label("Access key")).to_be_focused()
        await page.get_by_label("Access key").fill(host.key)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_be_hidden()
        async with expecting("a call arrives with the corrected key"):
            await (await host.arrived.get()).ready.wait()


async def test_a_server_without_a_free_line_says_so(browser: Chromium) -> None:
    async with serving(max_calls=1) as host, browser.page() as first:
        await started(first, host)
        async with browser.page() as second:
            await begin(second, host)
            await expect(second.get_by_role("alert")).to_have_text("All lines are busy; try again in a few minutes.")
        assert len(host.listener.calls) == 1


async def test_a_session_in_use_in_another_tab_says_so(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        async with page.expect_response("**/api/sessions") as begun:
            conversation = await started(page, host)
        shared = await (await begun.value).text()
        second = await page.context.new_page()
        await second.route("**/api/sessions", lambda route: route.fulfill(status=201, body=shared))
        await begin(second, host)
        await expect(second.get_by_role("alert")).to_have_text(
            "This exam is already open in another tab or window; start a new one to go on."
        )
        assert host.listener.calls == {conversation.call.id}


async def test_ending_is_asked_twice_and_passed_to_the_examiner(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        conversation = await started(page, host)
        await page.get_by_role("button", name="End the exam").click()
        await page.get_by_role("button", name="Keep going").click()
        await expect(page.get_by_role("dialog")).to_be_hidden()
        assert not conversation.asked_to_end.is_set()
        await page.get_by_role("button", name="End the exam").click()
        await page.get_by_role("dialog").get_by_role("button", name="End the exam").click()
        async with expecting("the examiner is asked to end"):
            await conversation.asked_to_end.wait()
        await expect(page.locator("#status")).to_have_text("Finishing: your scores are being worked out")
        await finish(conversation, host, [*SCORES, CallBilled(9, "0.001", 10, False), CallEnded(9, "caller ended")])
        await expect(page.locator("#outcome")).to_have_text("You ended the exam. Thank you.")


async def test_a_tab_closed_in_the_middle_of_a_question_ends_its_call(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        conversation = await started(page, host)
        await conversation.say(at_rate(READ.pcm, 24_000), 24_000)
        await page.close()
        async with expecting("the call of the closed tab ends"):
            await conversation.left.wait()
            await conversation.over.wait()


async def test_a_server_that_hangs_up_first_is_asked_for_the_record(browser: Chromium) -> None:
    spoken = UtteranceSpoken(3, "caller", "My name is Bruce.", 1, 3)
    async with serving() as host, browser.page() as page:
        conversation = await started(page, host)
        await conversation.tell(spoken)
        await conversation.hang_up()
        await expect(page.locator("#outcome")).to_have_text("The call is over: the record is being completed.")
        await expect(page.locator("#scores > li .value").first).to_have_text("Being worked out")
        events = [spoken, *SCORES[:4], CallBilled(61, "0.018234", 12345, True), CallEnded(62, "time limit")]
        host.records.stored[conversation.call.id] = record_of(events)
        await expect(page.locator("#outcome")).to_have_text("The time for this exam was up.")
        await expect(page.locator("#scores > li .value")).to_have_text(
            ["6 of 9", "6.5 of 9", "6 of 9", "Not enough evidence", "6 of 9"]
        )
        await expect(page.get_by_role("alert")).to_be_hidden()


async def test_a_call_the_server_drops_shows_what_was_said(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        conversation = await started(page, host)
        await conversation.tell(UtteranceSpoken(3, "caller", "My name is Bruce.", 1, 3))
        await expect(page.locator("#transcript > li")).to_have_count(1)
        await conversation.drop()
        await expect(page.get_by_role("alert")).to_have_text(
            "The connection was lost: what was said until then is kept, and you can start another exam."
        )
        await expect(page.locator("#final-transcript .words")).to_have_text("My name is Bruce.")


async def test_a_lost_connection_to_the_examiner_is_shown(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        conversation = await started(page, host)
        await conversation.tell(ConnectionLost(5, 1011, "Thread was cancelled", "resume"))
        await expect(page.locator("#status")).to_have_text("The connection to the examiner was lost: connecting again")
        await conversation.tell(ConnectionOpened(6, 0.8))
        await expect(page.locator("#status")).not_to_contain_text("dropped")


async def test_a_caller_whose_microphone_hears_the_examiner_is_advised_once_to_use_headphones(
    browser: Chromium,
) -> None:
    async with serving() as host, browser.page() as page:
        conversation = await started(page, host)
        notice = page.locator("#echo")
        await expect(notice).to_be_hidden()
        await conversation.tell(EchoDetected(3, 0.18, 0.9))
        await expect(notice).to_contain_text("Put on headphones")
        await page.get_by_role("button", name="All right").click()
        await expect(notice).to_be_hidden()
        await conversation.tell(ExamProgressed(5, 1, 3))
        await expect(page.locator("#progress")).to_have_text("1 of 3")
        await expect(notice).to_be_hidden()


async def test_a_caller_whose_packets_stop_is_told_so_until_they_are_back(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        conversation = await started(page, host)
        await conversation.send("user-started-speaking")
        await expect(page.locator("#status")).to_have_text("We hear you")
        await conversation.tell(AudioStopped(5, 4.0))
        await expect(page.locator("#status")).to_have_text("We cannot hear you: your connection has stopped")
        await conversation.tell(AudioResumed(9, 5.0, 5.0, True))
        await expect(page.locator("#status")).to_have_text("We hear you")


async def test_what_is_said_never_becomes_part_of_the_page(browser: Chromium) -> None:
    words = "<img src=x onerror=\"document.title='owned'\"> & <script>document.title='owned'</script>"
    async with serving(info=replace(INFO, name=f"Exam {words}")) as host, browser.page() as page:
        await page.goto(host.page_url)
        await expect(page.locator("#idle-title")).to_have_text(f"Exam {words}")
        await page.get_by_role("checkbox").check()
        await page.get_by_role("button", name="Start the exam").click()
        async with expecting("the page's call arrives and its client is ready"):
            conversation = await host.arrived.get()
            await conversation.ready.wait()
        await conversation.send("bot-tts-text", text=words)
        await expect(page.locator(".words")).to_have_text(words)
        await finish(
            conversation,
            host,
            [
                UtteranceSpoken(1, "examiner", words, 0, 1),
                ScoreGiven(2, words, 6, words, words),
                ScoreMissing(2, f"{words}2", words),
                CallEnded(3, words, words),
            ],
        )
        await expect(page.locator("#download")).to_be_visible()
        assert await page.locator("img, main script").count() == 0
        assert "owned" not in (await page.title()).replace(words, "")


async def test_the_page_fits_a_phone_and_its_controls_a_finger(browser: Chromium) -> None:
    async with serving() as host, browser.page(phone=True) as page:

        async def check() -> None:
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            for control in await page.locator("button:visible, input:visible, a:visible:not(.skip)").all():
                box = await control.bounding_box()
                kind = await control.get_attribute("type")
                assert box is not None and box["height"] >= (24 if kind == "checkbox" else 44)

        await page.goto(host.page_url)
        assert await page.evaluate("parseFloat(getComputedStyle(document.querySelector('#caller')).fontSize)") >= 16
        await page.keyboard.press("Escape")
        await check()
        conversation = await started(page, host)
        for n in range(12):
            await conversation.tell(UtteranceSpoken(n, "examiner", "Word after word. " * 8, n, n + 1))
        await expect(page.locator("#transcript > li")).to_have_count(12)
        await check()
        assert await page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "the call does not fit"
        await expect(page.locator("#transcript > li").last).to_be_in_viewport()
        await finish(conversation, host, [*SCORES, *ENDING])
        await expect(page.locator("#download")).to_be_visible()
        await check()


async def test_every_control_has_a_name_and_every_view_a_heading(browser: Chromium) -> None:
    async with serving() as host, browser.page() as page:
        await page.goto(host.page_url)
        assert await page.locator("main").count() == 1 and await page.locator("html[lang]").count() == 1
        snapshot = await page.locator("body").aria_snapshot()
        assert not re.search(r"- (button|textbox|checkbox|link)\s*$", snapshot, re.MULTILINE), snapshot
        for view in ("idle", "call", "result"):
            assert await page.locator(f"#{view} h1").count() == 1
