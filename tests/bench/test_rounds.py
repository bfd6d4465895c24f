"""One short round of each contender, with everything in it that a long one has. No figure is judged."""

import asyncio
import sys
from pathlib import Path

import pytest

from bench.__main__ import SCENARIO
from bench.contenders import CONTENDERS, Contender
from bench.rounds import RoundFailed, measure
from pipeline.call.emulator_process import emulator
from pipeline.config.file import EmulatorSettings

pytestmark = pytest.mark.real_time


@pytest.mark.soak  # half a minute; a commit has the parts of a round in the other tests here
async def test_a_call_is_held_answered_and_measured_with_every_contender() -> None:
    async with emulator(EmulatorSettings(scenario=str(SCENARIO))) as service:
        env = {"BENCH_URL": service.url, "BENCH_CA_FILE": str(service.ca_file)}
        results = await asyncio.gather(*(measure(contender, 1, 10.0, env) for contender in CONTENDERS))
    for contender, result in zip(CONTENDERS, results, strict=True):
        assert (result.contender, result.calls) == (contender.name, 1)
        assert result.cpu > 0 and result.seconds > 9.0
        assert result.measurements.latencies and min(result.measurements.latencies) > 0, contender.name
        assert result.measurements.frames > 50


async def test_a_server_that_does_not_start_fails_its_round_with_its_last_words(tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("raise SystemExit('there is no such voice')", encoding="utf-8")
    with pytest.raises(RoundFailed, match="exit code 1: there is no such voice"):
        await measure(Contender("broken", (sys.executable, str(broken)), "exam"), 1, 5.0, {})


async def test_a_server_that_answers_nobody_fails_its_round(tmp_path: Path) -> None:
    mute = tmp_path / "mute.py"
    mute.write_text("import time\nprint('http://localhost:9/', flush=True)\ntime.sleep(60)", encoding="utf-8")
    with pytest.raises(RoundFailed, match="a call was not answered"):
        await measure(Contender("mute", (sys.executable, str(mute)), "exam"), 1, 5.0, {})
