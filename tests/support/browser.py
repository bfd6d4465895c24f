"""A headless Chromium, launched once for the tests of a module, and a microphone to speak into.

async with chromium() as browser:
    async with browser.page() as page:
        await patch_microphone(page)         # before the page loads: it is silent now
        await say(page, ANSWERS[0].path)     # returns when it has been said
"""

import base64
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from support import apt
from support.deadline import LONG

# What Playwright waits for an expectation: 5 s by default, which a busy machine may need for one.
expect.set_options(timeout=1000 * LONG)

# The system's browser: Playwright's own download is not needed.
NAMES = ("chromium", "chromium-browser", "google-chrome")


@cache
def _find_or_install() -> tuple[str | None, str]:
    if found := _found():
        return found, ""
    if not apt.can_install():
        return None, "Chromium is not installed, and only root with apt could install it here"
    complaint = apt.install("chromium")
    found = _found()
    return found, "" if found else f"apt could not install Chromium: {complaint}"


def _found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def chromium_path() -> str:
    """Chromium's program. Without one the test is skipped, or fails where REQUIRE_PEERS=1."""
    path, why = _find_or_install()
    if path:
        return path
    if os.environ.get("REQUIRE_PEERS") == "1":
        pytest.fail(why)
    pytest.skip(why)


@dataclass(frozen=True)
class Chromium:
    """A running browser: launched once, a profile of its own for each page."""

    browser: Browser

    @asynccontextmanager
    async def page(self, *, phone: bool = False, dark: bool = False, microphone: bool = True) -> AsyncIterator[Page]:
        """A page that shares nothing with others; with `microphone=False` its user refuses the microphone."""
        size: ViewportSize = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        context = await self.browser.new_context(
            viewport=size,
            device_scale_factor=2 if phone else 1,
            is_mobile=phone,
            has_touch=phone,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            permissions=["microphone"] if microphone else [],
        )
        try:
            yield await context.new_page()
        finally:
            await context.close()


@asynccontextmanager
async def chromium() -> AsyncIterator[Chromium]:
    """A browser whose microphone beeps, and which refuses what it would have to ask its user for."""
    args = ["--use-fake-device-for-media-stream", "--autoplay-policy=no-user-gesture-required"]
    args += ["--deny-permission-prompts", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    program = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, headless=True, args=args)
        try:
            yield Chromium(browser)
        finally:
            await browser.close()


_MICROPHONE = """(() => {
    const context = new AudioContext(), microphone = context.createMediaStreamDestination();
    const hum = context.createConstantSource();
    hum.offset.value = 0;
    hum.connect(microphone);
    hum.start();
    navigator.mediaDevices.getUserMedia = async () => { await context.resume(); return microphone.stream.clone(); };
    window.__say = async (base64) => {
        await context.resume();
        const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        const source = context.createBufferSource();
        source.buffer = await context.decodeAudioData(bytes.buffer);
        source.connect(microphone);
        source.start();
        await new Promise((done) => { source.onended = done; });
    };
})()"""


async def patch_microphone(page: Page) -> None:
    """Give the page a microphone that is silent until `say`. Call it before the page is loaded."""
    await page.add_init_script(_MICROPHONE)


async def say(page: Page, wav: Path) -> None:
    """Speak a recording into the patched microphone; returns when it has been spoken."""
    await page.evaluate("(base64) => window.__say(base64)", _base64(wav))


def _base64(wav: Path) -> str:
    return base64.b64encode(wav.read_bytes()).decode()
