"""A whole exam as a candidate has it: `colloquy serve`, Chromium, recorded human speech, the emulator."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from pipeline.record.models import SessionRecord
from pipeline.record.store import Store
from support.browser import Chromium, chromium, patch_microphone, say
from support.calls import SHORT, config
from support.clips import ANSWERS
from support.deadline import expecting
from support.record import until

pytestmark = [pytest.mark.real_time, pytest.mark.asyncio(loop_scope="module")]

ROOT = Path(__file__).parents[2]
QUESTION = "What is your name, and where do you live?"
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", ROOT / "var" / "screenshots"))  # Playwright makes the folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Chromium]:
    async with chromium() as browser:
        yield browser


class Serving:
    """A running `colloquy serve`: the URL of its page, and its process."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    async def interrupt(self) -> tuple[int, str]:
        """Ctrl-C; the exit code and what stood on the error stream."""
        self.process.send_signal(signal.SIGINT)
        async with expecting("the server ends after Ctrl-C"):
            _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


@asynccontextmanager
async def serving(file: Path) -> AsyncIterator[Serving]:
    """The command as a user runs it, on a free port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipeline", "serve", str(file), "--port", "0"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with expecting("the server says where its page is"):
            line = (await process.stdout.readline()).decode()
        assert "http://" in line, line
        yield Serving(process, line[line.index("http://") :].strip())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def the_record(folder: Path) -> SessionRecord:
    """The one session in the database, once it is closed."""
    store = await Store.open(f"sqlite+aiosqlite:///{folder / 'sessions.db'}")
    try:

        async def it_is_closed() -> bool:
            return [one.state for one in await store.sessions()] == ["closed"]

        await until(it_is_closed, every=0.2, what="the record of the one session is closed")
        [summary] = await store.sessions()
        record = await store.session(summary.id)
        assert record is not None
        return record
    finally:
        await store.close()


async def begin(page: Page, url: str) -> None:
    await patch_microphone(page)
    await page.goto(url)
    await page.get_by_label("I agree").check()
    await page.get_by_role("button", name="Start the exam").click()


async def until_my_turn(page: Page, question: str) -> None:
    """The question has been asked and the examiner has stopped."""
    await expect(page.locator("#transcript")).to_contain_text(question)
    await expect(page.locator("#status")).to_contain_text("Your turn")


async def test_a_candidate_is_examined_in_the_browser(browser: Chromium, tmp_path: Path) -> None:
    examiner = SHORT | {"kind": "speaking", "questions": [QUESTION], "ending": {"speak": "none"}}
    file = config(tmp_path, examiner, listen={"use": "webrtc", "title": "Speaking exam"})
    async with serving(file) as served, browser.page() as page:
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        await begin(page, served.url)
        await until_my_turn(page, QUESTION)
        await say(page, ANSWERS[0].path)
        await expect(page.locator("#result-title")).to_be_visible()
        for band in ("6.5", "7"):
            await expect(page.locator("#scores")).to_contain_text(band)
        await expect(page.locator("#scores > li")).to_have_count(5)
        await expect(page.locator("#record")).to_contain_text("$")
        await expect(page.locator("#emulated-result")).to_be_visible()
        words = (await page.locator("#final-transcript").inner_text()).lower()
        await page.screenshot(path=SCREENSHOTS / "exam.png", full_page=True)
        assert faults == []
    record = await the_record(tmp_path)
    assert QUESTION.lower() in words
    assert QUESTION in " ".join(u.text for u in record.utterances if u.speaker == "examiner")
    transcript = " ".join(u.text for u in record.utterances if u.speaker == "caller").lower()
    assert all(word.lower() in words and word.lower() in transcript for word in ANSWERS[0].words)
    assert {score.criterion: score.value for score in record.scores} == {
        "fluency": 6.5,
        "vocabulary": 6.0,
        "grammar": 6.0,
        "pronunciation": 7.0,
        "overall": 6.5,
    }
    assert record.usd is not None and record.usd > 0
    assert record.transport == "webrtc" and record.why == "completed"


async def test_a_browser_that_closes_in_mid_answer_leaves_a_closed_record(browser: Chromium, tmp_path: Path) -> None:
    async with serving(config(tmp_path)) as served:
        async with browser.page() as page:
            await begin(page, served.url)
            await until_my_turn(page, SHORT["questions"][0])
            speaking = asyncio.create_task(say(page, ANSWERS[0].path))
            await expect(page.locator("#transcript")).to_contain_text("My name")
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)
        record = await the_record(tmp_path)
    assert record.why == "caller left"
    assert SHORT["questions"][0] in record.utterances[0].text
    assert "Bruce" in " ".join(u.text for u in record.utterances if u.speaker == "caller")


@pytest.mark.soak  # per commit Ctrl-C ends a call without a browser
async def test_ctrl_c_in_mid_answer_closes_the_record_with_what_was_said(browser: Chromium, tmp_path: Path) -> None:
    async with serving(config(tmp_path)) as served, browser.page() as page:
        await begin(page, served.url)
        await until_my_turn(page, SHORT["questions"][0])
        speaking = asyncio.create_task(say(page, ANSWERS[0].path))
        await expect(page.locator("#status")).to_contain_text("We hear you")
        code, errors = await served.interrupt()
        assert "Traceback" not in errors, errors
        assert code == 130
        await asyncio.gather(speaking, return_exceptions=True)
    record = await the_record(tmp_path)
    assert record.why == "shut down" and record.state == "closed"
    assert "Bruce" in " ".join(u.text for u in record.utterances if u.speaker == "caller")
