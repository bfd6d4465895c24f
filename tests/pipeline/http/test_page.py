"""The page in Chromium, against a host without an examiner that plays a script."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from core.events import (
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
from pipeline.http.app import WEB
from support.browser import chromium, patch_microphone, say
from support.clips import ANSWERS, READ
from support.fake_host import INFO, Conversation, FakeHost, serving
from support.score_cases import rubric
from support.sound import at_rate, likeness

pytestmark = pytest.mark.real_time

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
    async with asyncio.timeout(15):
        conversation = await host.arrived.get()
        await conversation.ready.wait()
    return conversation


async def finish(conversation: Conversation, host: FakeHost, events: list[Event]) -> None:
    host.records.stored[conversation.call.id] = record_of(events)
    for event in events:
        await conversation.tell(event)
    await conversation.hang_up()


async def test_a_call_from_consent_to_record() -> None:
    opening = UtteranceSpoken(1, "examiner", "What is your name, and where do you live?", 0.5, 3.0)
    answer = UtteranceSpoken(9, "caller", "My name is Bruce.", 3.5, 9.0)
    async with serving() as host, chromium(ANSWERS[0].path) as page:
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
            "Fluency 6 of 9 even pace Reported by the examiner 2 readings agree.",
            "Vocabulary 6.5 of 9 <b>university town</b> From the examiner’s written summary",
            "Grammar 6 of 9 Grammar, six. Heard in the examiner’s words"
            " Another reading differs: 7; a stated value that is not on the scale was left out.",
            "Pronunciation Not enough evidence Nothing was said about it",
            "Overall 6 of 9 Worked out from the transcript afterwards",
        ]
        await expect(page.locator("#verdict")).to_have_text("Some are missing")
        await expect(page.locator("#cost")).to_contain_text("$0.0182")
        await expect(page.locator("#emulated-result")).to_be_visible()
        async with page.expect_download() as download:
            await page.get_by_role("link", name="Download the record").click()
        saved = await asyncio.to_thread(Path(await (await download.value).path()).read_text)
        assert json.loads(saved) == host.records.stored[conversation.call.id]
        async with asyncio.timeout(5):
            await conversation.over.wait()
        assert not [url for url in elsewhere if not url.startswith((host.url, "blob:"))]


async def test_the_candidate_and_the_examiner_hear_each_other() -> None:
    async with serving() as host, chromium() as page:
        await patch_microphone(page)
        conversation = await started(page, host)
        await say(page, ANSWERS[2].path)
        await conversation.say(at_rate(2 * READ.pcm, 24_000), 24_000)
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
        assert likeness(at_rate(ANSWERS[2].pcm, 48_000), bytes(conversation.sink.audio)) > 0.8


async def test_nothing_is_asked_of_the_microphone_or_the_server_before_consent() -> None:
    async with serving() as host, chromium() as page:
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


async def test_a_blocked_microphone_is_a_sentence_and_takes_no_place() -> None:
    async with serving() as host, chromium(microphone=False) as page:
        await begin(page, host)
        await expect(page.get_by_role("alert")).to_contain_text("The microphone is blocked: allow it")
        await expect(page.get_by_role("button", name="Start the exam")).to_be_enabled()
        assert not host.listener.calls


async def test_a_missing_microphone_is_a_sentence() -> None:
    async with serving() as host, chromium() as page:
        await page.add_init_script(
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); }"
        )
        await begin(page, host)
        await expect(page.get_by_role("alert")).to_have_text("No microphone was found: connect one, then start again.")


async def test_a_wrong_key_can_be_corrected_on_the_page() -> None:
    async with serving() as host, chromium(ANSWERS[0].path) as page:
        await page.goto(f"{host.url}/#key=wrong")
        await page.get_by_role("checkbox").check()
        await page.get_by_role("button", name="Start the exam").click()
        await expect(page.get_by_role("alert")).to_have_text("The access key or session token is not valid.")
        await expect(page.get_by_label("Access key")).to_be_focused()
        await page.get_by_label("Access key").fill(host.key)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_be_hidden()
        async with asyncio.timeout(10):
            await (await host.arrived.get()).ready.wait()


async def test_a_server_without_a_free_line_says_so() -> None:
    async with serving(max_calls=1) as host, chromium(ANSWERS[0].path) as first:
        await started(first, host)
        async with chromium(ANSWERS[0].path) as second:
            await begin(second, host)
            await expect(second.get_by_role("alert")).to_have_text("All lines are busy; try again in a few minutes.")
        assert len(host.listener.calls) == 1


async def test_a_session_in_use_in_another_tab_says_so() -> None:
    async with serving() as host, chromium(ANSWERS[0].path) as page:
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


async def test_ending_is_asked_twice_and_passed_to_the_examiner() -> None:
    async with serving() as host, chromium(ANSWERS[0].path) as page:
        conversation = await started(page, host)
        await page.get_by_role("button", name="End the exam").click()
        await page.get_by_role("button", name="Keep going").click()
        await expect(page.get_by_role("dialog")).to_be_hidden()
        assert not conversation.asked_to_end.is_set()
        await page.get_by_role("button", name="End the exam").click()
        await page.get_by_role("dialog").get_by_role("button", name="End the exam").click()
        async with asyncio.timeout(5):
            await conversation.asked_to_end.wait()
        await expect(page.locator("#status")).to_have_text("Finishing: your scores are being worked out")
        await finish(conversation, host, [*SCORES, CallBilled(9, "0.001", 10, False), CallEnded(9, "caller ended")])
        await expect(page.locator("#outcome")).to_have_text("You ended the exam. Thank you.")


async def test_a_tab_closed_in_the_middle_of_a_question_ends_its_call() -> None:
    async with serving() as host, chromium(ANSWERS[0].path) as page:
        conversation = await started(page, host)
        await conversation.say(at_rate(READ.pcm, 24_000), 24_000)
        await page.close()
        async with asyncio.timeout(12):
            await conversation.left.wait()
            await conversation.over.wait()


async def test_a_server_that_hangs_up_first_is_asked_for_the_record() -> None:
    spoken = UtteranceSpoken(3, "caller", "My name is Bruce.", 1, 3)
    async with serving() as host, chromium(ANSWERS[0].path) as page:
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


async def test_a_call_the_server_drops_shows_what_was_said() -> None:
    async with serving() as host, chromium(ANSWERS[0].path) as page:
        conversation = await started(page, host)
        await conversation.tell(UtteranceSpoken(3, "caller", "My name is Bruce.", 1, 3))
        await expect(page.locator("#transcript > li")).to_have_count(1)
        await conversation.drop()
        await expect(page.get_by_role("alert")).to_have_text(
            "The connection was lost: what was said until then is kept, and you can start another exam."
        )
        await expect(page.locator("#final-transcript .words")).to_have_text("My name is Bruce.")


async def test_a_lost_connection_to_the_examiner_is_shown() -> None:
    async with serving() as host, chromium(ANSWERS[0].path) as page:
        conversation = await started(page, host)
        await conversation.tell(ConnectionLost(5, 1011, "Thread was cancelled", "resume"))
        await expect(page.locator("#status")).to_have_text("The connection to the examiner was lost: connecting again")
        await conversation.tell(ConnectionOpened(6, 0.8))
        await expect(page.locator("#status")).not_to_contain_text("dropped")


async def test_a_caller_whose_microphone_hears_the_examiner_is_advised_to_use_headphones_once() -> None:
    async with serving() as host, chromium(ANSWERS[0].path) as page:
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


async def test_what_is_said_never_becomes_part_of_the_page() -> None:
    words = "<img src=x onerror=\"document.title='owned'\"> & <script>document.title='owned'</script>"
    async with serving(info=replace(INFO, name=f"Exam {words}")) as host, chromium(ANSWERS[0].path) as page:
        await page.goto(host.page_url)
        await expect(page.locator("#idle-title")).to_have_text(f"Exam {words}")
        await page.get_by_role("checkbox").check()
        await page.get_by_role("button", name="Start the exam").click()
        conversation = await host.arrived.get()
        await asyncio.wait_for(conversation.ready.wait(), 15)
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


async def test_the_page_fits_a_phone_and_its_controls_a_finger() -> None:
    async with serving() as host, chromium(ANSWERS[0].path, phone=True) as page:

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


async def test_every_control_has_a_name_and_every_view_a_heading() -> None:
    async with serving() as host, chromium(ANSWERS[0].path) as page:
        await page.goto(host.page_url)
        assert await page.locator("main").count() == 1 and await page.locator("html[lang]").count() == 1
        snapshot = await page.locator("body").aria_snapshot()
        assert not re.search(r"- (button|textbox|checkbox|link)\s*$", snapshot, re.MULTILINE), snapshot
        for view in ("idle", "call", "result"):
            assert await page.locator(f"#{view} h1").count() == 1


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_controls_stand_out_from_what_is_behind_them(scheme: str) -> None:
    css = (WEB / "style.css").read_text()
    palettes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.S)
    ]
    colours = palettes[0] if scheme == "light" else {**palettes[0], **palettes[1]}
    text = [(ink, behind) for ink in ("ink", "soft") for behind in ("bg", "surface", "tint")]
    text += [("on-accent", "accent"), ("on-warn", "warn"), ("on-bad", "bad")]
    shapes = [("control", "bg"), ("control", "surface"), ("accent", "line"), ("good", "surface"), ("accent", "bg")]
    for pairs, least in ((text, 4.5), (shapes, 3.0)):  # WCAG 2.2, 1.4.3 and 1.4.11
        for front, behind in pairs:
            light, dark = sorted((luminance(colours[front]), luminance(colours[behind])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= least, f"{front} on {behind}"
