"""Every fault the emulator knows, each in a whole exam on real sockets: no call may hang, lose a word or stay unpaid.

The calls are held at once, as many as a small machine can carry, and each test looks at its own.
"""

import asyncio
import os
import wave
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import click
import pytest

from core.events import (
    CallBilled,
    CallEnded,
    ConnectionDialed,
    ConnectionLost,
    ConnectionOpened,
    ProblemSeen,
    ScoreGiven,
    ScoreMissing,
)
from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.scenario import CRITERIA, Scenario
from gemini_live_emulator.server.listener import Emulator
from support.calls import CallResult, Held, config, hold, hold_all
from support.clips import ANSWERS, RATE
from support.fault_cases import CASES, EXAMINER, OTHERS, Case, rules

# The first test waits for all the calls, which are held once.
pytestmark = [pytest.mark.real_time, pytest.mark.timeout(1200), pytest.mark.xdist_group("every fault")]

AT_ONCE = 9
LENGTH = 2.5  # seconds of an answer
# Shorter than an operator would have them, so that a refusal that is tried four times does not take a minute.
IMPATIENT: dict[str, Any] = {
    "gemini_live__backoff": [0.3, 0.6, 1.2],
    "gemini_live__long_wait": 1.0,
    # But not so short that a busy machine, which plays the service too, is taken for a service that hangs.
    "gemini_live__dial_timeout": 6.0,
    "gemini_live__reply_timeout": 3.0,
    "scoring__farewell": 0.5,
    # A function call that a busy machine brings a second late is not one that never came.
    "scoring__score_timeout": 3.0,
}
# A model that thinks for 8 s, and more on a busy machine, is not to be taken for a dead one.
PATIENT = IMPATIENT | {"gemini_live__reply_timeout": 20.0}
CASE = {name: next(case for case in (*CASES, *OTHERS) if case.fault == name) for name in FAULTS}
# The text that the service sends is not that of what was said, or it comes after the call.
TEXT_CHANGED = {"transcription_stall", "transcription_double", "transcription_missing", "transcription_late"}
# The examiner is not heard to ask, or does not wait: there may be no second answer.
UNASKED = {"empty_reply", "early"}
# The reply breaks off in mid-question. This caller answers what he has heard of it, talks over the question when it is
# put again, and then has nothing left to say: he hangs up, and the scores are those of an exam that was not finished.
REPLY_CUT = {"late_interrupted", "spurious_interrupted", "huge_frame", "unknown_only", "error_message", "invalid_json"}
# The text model is out of order too: no score can be had of anybody.
NO_SCORES = {"text_429", "text_503"}
# The service says nothing of what it cost, or not enough: the bill is estimated.
NO_USAGE = {"usage_missing", "usage_total_only"}


Calls = Held[str]


async def exam(case: Case, folder: Path) -> CallResult:
    """An exam of two questions under one fault."""
    os.makedirs(folder)
    answers = [folder / f"answer-{n}.wav" for n in range(2)]
    for path, clip in zip(answers, (ANSWERS[0], ANSWERS[2]), strict=True):
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(clip.pcm[: round(LENGTH * 2 * RATE)])
    scenario = Scenario.model_validate({"name": case.name, "examiner": EXAMINER, "faults": rules(case, "ours")})
    settings = PATIENT if case.fault == "slow_reply" else IMPATIENT
    async with Emulator(scenario, truth=folder / "truth.jsonl") as emulator:
        there: dict[str, Any] = {"gemini_live__base_url": emulator.url, "gemini_live__ca_file": str(emulator.ca_file)}
        return await hold(config(folder, emulator=None, **there, **settings), answers, think=0.2, hang_up_after=25.0)


@pytest.fixture(scope="module")
def calls(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Calls:
    """The calls of the faults that are asked for, by name."""
    ours = (item for item in request.session.items if isinstance(item, pytest.Function) and item.path == request.path)
    wanted: list[str] = [item.callspec.params["fault"] for item in ours if hasattr(item, "callspec")]
    folder = tmp_path_factory.mktemp("faults")
    return asyncio.run(hold_all({name: partial(exam, CASE[name], folder / name) for name in wanted}, AT_ONCE))


@pytest.mark.parametrize("fault", FAULTS)
def test_an_exam_comes_to_an_orderly_end_under(fault: str, calls: Calls) -> None:
    result = calls[fault]
    click.echo("\n".join(map(str, result.events)))  # shown when the test fails: what came when
    closed(result)
    bill = result.of(CallBilled)[-1]
    assert float(bill.usd) > 0 and (bill.estimated or fault not in NO_USAGE)
    if CASE[fault].fatal:
        assert result.record.why == "connection given up" and result.record.detail
    else:
        assert result.record.why == "completed" or (result.record.why == "caller left" and fault in REPLY_CUT)
        assert result.record.scored == ("none" if fault in NO_SCORES else "complete")
    every_word_once(result, fault)


def closed(result: CallResult) -> None:
    """The record is complete, the verdict is in it, and nothing was complained of over and over."""
    assert result.record.state == "closed"
    assert isinstance(result.events[-1], CallEnded) and len(result.of(CallEnded)) == 1
    decided = {event.criterion for event in (*result.of(ScoreGiven), *result.of(ScoreMissing))}
    assert decided == set(CRITERIA), "each criterion has a score, or is declared to have none"
    assert len(result.of(ConnectionOpened)) <= len(result.of(ConnectionDialed)) >= len(result.of(ConnectionLost)), (
        "one loss a connection"
    )
    causes = Counter(problem.what for problem in result.of(ProblemSeen))
    assert all(count == 1 for count in causes.values()), causes


def every_word_once(result: CallResult, fault: str) -> None:
    """Nobody hears the greeting twice, and what the caller said is in the transcript, once."""
    greetings, first, second = (
        result.said(speaker).count(words)
        for speaker, words in (("examiner", "Hello."), *(("caller", words) for words in EXAMINER["heard"]))
    )
    assert greetings == (0 if fault == "output_text_missing" else 1)
    if fault not in TEXT_CHANGED:
        assert first == 1 or (first == 0 and CASE[fault].fatal)
        assert second == 1 or (second == 0 and (fault in UNASKED | REPLY_CUT or CASE[fault].fatal))
