import io
import logging
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from pipeline.cli.log import MOST_LINES, WINDOW, FloodGuard, log_to
from pipeline.config.secrets import SECRETS

ROOT = Path(__file__).parents[3]
KEY = "AIzaSyD-9tSrke72PouQMnMX_a7eZSW0jkFMBWY"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged from the level WARNING on."""
    SECRETS.note([KEY])
    stream, root = io.StringIO(), logging.getLogger()
    before = root.level, list(root.handlers)
    log_to(stream)
    yield stream
    logger.remove()
    logger.configure(patcher=lambda record: None)
    root.setLevel(before[0])
    root.handlers = before[1]


def failing(key: str) -> None:
    header = {"x-goog-api-key": key}
    raise ValueError(f"illegal header {header!r}")


def test_a_secret_is_masked_in_a_message_a_traceback_and_a_library_s_line(written: io.StringIO) -> None:
    logger.warning("the key is {}", KEY)
    logging.getLogger("httpx").warning("GET https://host/?key=%s&alt=1", KEY)
    try:
        failing(KEY)
    except ValueError:
        logger.exception("it failed with {}", KEY[:20])
        logging.getLogger("library").exception("it failed")
    text = written.getvalue()
    assert text.count("Traceback") == 2 and "illegal header {'x-goog-api-key': '**********'}" in text
    assert KEY[:10] not in text


def test_a_traceback_shows_no_values_of_variables(written: io.StringIO) -> None:
    said = "what the candidate said"
    try:
        raise RuntimeError(len(said))
    except RuntimeError:
        logger.exception("it failed")
    assert said not in written.getvalue()


def test_what_steers_a_terminal_is_written_out(written: io.StringIO) -> None:
    logger.warning("the close reason was {}", "\x1b[2J\u202egone\r")
    logging.getLogger("library").warning("\x9b31m")
    try:
        raise RuntimeError("\x1b]0;owned\x07")
    except RuntimeError:
        logger.exception("it failed")
    text = written.getvalue()
    assert not set(text) & set("\x1b\x9b\u202e\r\x07")
    assert "\\u001b[2J\\u202egone\\u000d" in text


def test_no_line_of_a_message_looks_like_one_of_the_log(written: io.StringIO) -> None:
    logger.warning("a name\n2026-12-01 00:00:00.000 | ERROR    | forged")
    logging.getLogger("library").warning("a name\n2026-12-01 00:00:00.000 | ERROR    | forged")
    lines = written.getvalue().splitlines()
    assert [line for line in lines if line.startswith("2026-12-01 00:00:00.000")] == [] and len(lines) >= 4


def test_a_flood_is_cut_off_and_counted(written: io.StringIO) -> None:
    for number in range(10 * MOST_LINES):
        logging.getLogger("library").error("junk %d", number)
        if number == 5:
            logger.warning("another place is still heard")
    logger.remove()
    text = written.getvalue()
    assert text.count("junk") == MOST_LINES and "another place is still heard" in text
    assert f"{9 * MOST_LINES} more lines of library:" in text


def test_a_place_is_heard_again_once_its_window_is_over() -> None:
    now = 0.0
    guard = FloodGuard(clock=lambda: now)
    assert [guard.admit(("a", 1)) for _ in range(MOST_LINES + 3)] == [True] * MOST_LINES + [False] * 3
    assert guard.admit(("a", 2)) and guard.left_out() == []
    now = WINDOW
    assert guard.left_out() == [(("a", 1), 3)]
    assert guard.admit(("a", 1))


def test_a_command_that_fails_shows_no_secret_in_its_traceback(tmp_path: Path) -> None:
    script = f"""
        import sys; sys.path.insert(0, {str(ROOT)!r})
        import click
        import pipeline.cli.check as check
        from pipeline.cli.main import main
        from pipeline.config.secrets import SECRETS
        SECRETS.note([{KEY!r}])
        @click.command()
        def broken():
            raise RuntimeError("Authorization: Bearer {KEY} \\x1b[2J")
        check.check = broken
        main(["check"])
    """
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True)
    assert result.returncode == 1 and "RuntimeError: Authorization: Bearer **********" in result.stderr
    assert KEY[:10] not in result.stderr and "\x1b" not in result.stderr
