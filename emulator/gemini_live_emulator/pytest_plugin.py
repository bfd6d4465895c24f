"""A pytest fixture: `gemini_live` is a running `Emulator` for the tests of any project.

It is there once the distribution is installed. A test may choose its scenario: a name, a name with faults, the path of
a YAML file or a `Scenario`, as in `@pytest.mark.gemini_live("scripted+quota")`; "scripted" unless it does.

Every pytest run of an environment imports this module, so it imports nothing but pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gemini_live_emulator.scenario import Scenario
    from gemini_live_emulator.server.listener import Emulator


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "gemini_live(scenario): the scenario of this test's emulator")


@pytest.fixture
def gemini_live(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Emulator]:
    """Run an emulator in a thread with an event loop of its own, so that tests with and without a loop can use it."""
    import asyncio
    import threading

    from gemini_live_emulator.server.listener import Emulator

    node = cast("pytest.Item", request.node)  # pyright: ignore[reportUnknownMemberType] - typed from pytest 9.2 on
    marker = node.get_closest_marker("gemini_live")
    scenario: Scenario | str | Path = marker.args[0] if marker is not None and marker.args else "scripted"
    emulator = Emulator(scenario, truth=tmp_path / "truth.jsonl")
    ready, done = threading.Event(), asyncio.Event()
    failure: list[BaseException] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with emulator:
            ready.set()
            await done.wait()

    def run() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as error:
            failure.append(error)
        finally:
            loop.close()
            ready.set()

    thread = threading.Thread(target=run, name="gemini-live", daemon=True)
    thread.start()
    ready.wait()
    if failure:
        raise failure[0]
    yield emulator
    loop.call_soon_threadsafe(done.set)
    thread.join()
