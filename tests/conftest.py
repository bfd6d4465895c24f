"""Virtual time by default; `@pytest.mark.real_time` for whatever touches a socket, a thread or another program."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

from support.virtual_time import VirtualTimeLoop

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("ci")

LoopFactories = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> LoopFactories:
    """The clock a test runs on."""
    if item.get_closest_marker("real_time"):
        return {"real time": asyncio.new_event_loop}
    return {"virtual time": VirtualTimeLoop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Loop names in test ids say nothing new: every test has one clock."""
    for item in items:
        item._nodeid = item.nodeid.replace("[virtual time]", "").replace("[real time]", "")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tests that share a costly fixture stay in one process, or each process would pay for it."""
    if session.config.getoption("loadgroup", None):
        apart = [
            item.nodeid for item in session.items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid
        ]
        if apart:
            raise pytest.UsageError(
                f"this pytest and this pytest-xdist do not keep groups of tests together: {apart[0]}"
            )


@pytest.fixture(scope="session")
def require_peers() -> bool:
    """Whether a missing program of another project is a failure (CI) or a reason to skip."""
    return os.environ.get("REQUIRE_PEERS") == "1"
