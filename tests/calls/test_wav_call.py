"""Whole exams with a recording as the candidate, against the emulator in a process of its own."""

import asyncio
import wave
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from core.events import (
    CallEnded,
    ConnectionDialed,
    ConnectionLost,
    ConnectionOpened,
    Event,
    ReplyStarted,
    ScoreAsked,
    TurnFlushed,
    TurnSent,
    UsageReported,
)
from pipeline.config.loading import load
from pipeline.runtime import Running
from processors.gemini_live.farewell import read_farewell
from support.calls import CONFIGS, SHORT, CallResult, Held, config, hold, hold_all, short_answers
from support.clips import ANSWERS

pytestmark = pytest.mark.real_time

AT_ONCE = pytest.mark.xdist_group("wav calls at once")

FILES = [answer.path for answer in ANSWERS]
BANDS = {"fluency": 6.5, "vocabulary": 6.0, "grammar": 6.0, "pronunciation": 7.0, "overall": 6.5}


KEY_REFUSED = {"faults": [{"fault": "key_invalid"}]}
FLUSHED_OFTEN: dict[str, Any] = {"manual_vad__flush_after": 2, "manual_vad__flush": "timer"}


def leave_at_a_flush(there: Running, event: Event) -> None:
    """What a caller does who hangs up in the middle of an answer."""
    if isinstance(event, TurnFlushed):
        for session in there.host.sessions:
            session.finish("caller left")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files of the calls below are."""
    return tmp_path_factory.mktemp("wav")


@pytest.fixture(scope="module")
def calls(folder: Path) -> Held[str]:
    """The calls of every commit, held at once."""

    def of(name: str, examiner: dict[str, Any] | None = None, **changes: Any) -> Path:
        (folder / name).mkdir()
        return config(folder / name, examiner, **changes)

    unspoken = SHORT | {"ending": {"speak": "none"}}  # to speak the scores takes long
    wanted = {
        "exam": partial(hold, of("exam", unspoken, **FLUSHED_OFTEN), short_answers(folder, 5.0)),
        "key": partial(hold, of("key", scenario=KEY_REFUSED), FILES[:1], record=folder / "heard.wav"),
        "left": partial(hold, of("left", **FLUSHED_OFTEN), FILES[:1], during=leave_at_a_flush),
        "dear": partial(hold, of("dear", budget={"usd": 0.0001, "minutes": 5}), FILES[:1]),
        "long": partial(hold, of("long", budget={"minutes": 0.1}), FILES[:2]),
    }
    return asyncio.run(hold_all(wanted, len(wanted)))


def scored(result: CallResult, source: str) -> None:
    assert result.scores() == {name: (value, source) for name, value in BANDS.items()}
    assert result.record.scored == "complete"


@pytest.mark.soak
async def test_an_exam_in_which_the_examiner_really_listens_and_speaks(tmp_path: Path) -> None:
    questions = ["What is your name, and where do you live?", "What is your town like?"]
    examiner = SHORT | {"kind": "speaking", "questions": questions}
    result = await hold(config(tmp_path, examiner), FILES[:2], record=tmp_path / "both.wav")
    scored(result, "call")
    for question in questions:
        assert question in result.said("examiner")
    for answer in ANSWERS[:2]:
        assert all(word.lower() in result.said("caller").lower() for word in answer.words)
    assert result.record.usd is not None and result.record.usd > 0
    assert result.record.why == "completed" and result.record.state == "closed"
    assert len(result.of(ReplyStarted)) == 2 and result.record.latency_p50 is not None
    order = [u.speaker for u in result.record.utterances]
    assert order[:4] == ["examiner", "caller", "examiner", "caller"]
    with wave.open(str(tmp_path / "both.wav")) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2).astype(float)
    loud = np.sqrt((both**2).mean(axis=0))
    assert (loud > 300).all(), "both sides are in the recording"


@AT_ONCE
def test_the_record_and_the_truth_agree_to_the_sample_and_to_the_token(calls: Held[str]) -> None:
    result = calls["exam"]
    windows = [line for line in result.truth if line["what"] == "window.closed" and line["samples"]]
    assert sum(line["samples"] for line in windows) == sum(sent.samples for sent in result.of(TurnSent)) > 10 * 16000
    assert len(windows) == len(result.of(TurnSent)) + len(result.of(TurnFlushed))
    assert not [line for line in result.truth if line["what"] == "audio.discarded"]
    bills = [line["bill"] for line in result.truth if line["what"] == "turn.ended" and line["bill"]]
    assert len(bills) == len(result.of(UsageReported))
    assert sum(sum(_numbers(bill)) for bill in bills) == result.record.tokens


def _numbers(value: object) -> list[int]:
    """The token counts of a bill, by modality, without its sums."""
    if isinstance(value, dict):
        return [n for key, part in value.items() if "total" not in key for n in _numbers(part)]
    return [value] if isinstance(value, int) else []


@pytest.mark.soak
async def test_the_reports_own_model_and_settings_hold_an_exam(tmp_path: Path) -> None:
    report = load(CONFIGS / "native-audio-2.5.yaml", {"GEMINI_API_KEY": "none"}).stage("gemini_live")
    settings = report.redacted()
    keys = ("model", "temperature", "voice", "thinking_budget", "compression", "resumption")
    file = config(
        tmp_path,
        manual_vad__flush_after=3,
        manual_vad__flush="timer",
        **{f"gemini_live__{key}": settings[key] for key in keys},
    )
    result = await hold(file, FILES[:2])
    scored(result, "call")
    assert result.record.model == "gemini-2.5-flash-native-audio-preview-12-2025"
    assert len(result.of(TurnFlushed)) > 2
    setup = next(line["setup"] for line in result.truth if line["what"] == "setup")
    assert setup["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 1024}


@pytest.mark.soak
async def test_a_connection_cut_in_mid_answer_loses_no_word(tmp_path: Path) -> None:
    fault = {"fault": "internal_error", "after": 8.0, "connection": 1}
    result = await hold(config(tmp_path, scenario={"faults": [fault]}), FILES[:2])
    scored(result, "call")
    [lost] = result.of(ConnectionLost)
    assert (lost.code, lost.action) == (1011, "resume")
    assert [dial.resumed for dial in result.of(ConnectionDialed)] == [False, True]
    for heard in SHORT["heard"]:
        assert heard in result.said("caller")


@AT_ONCE
def test_a_refused_key_ends_the_call_at_once_with_a_goodbye_and_says_why(calls: Held[str], folder: Path) -> None:
    result = calls["key"]
    assert result.record.why == "connection given up"
    assert "check the key" in (result.record.detail or "")
    assert len(result.of(ConnectionDialed)) == 1
    assert {score.value for score in result.record.scores} == {None}
    with wave.open(str(folder / "heard.wav"), "rb") as file:
        examiner = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)[:, 1].astype(float)
    pcm, rate = read_farewell(CONFIGS / "farewell.wav")
    goodbye = soxr.resample(np.frombuffer(pcm, np.int16).astype(float), rate, 24000)
    assert np.square(examiner).sum() == pytest.approx(np.square(goodbye).sum(), rel=0.02), "from first word to last"


@pytest.mark.soak
async def test_a_service_that_is_down_is_tried_four_times_and_given_up(tmp_path: Path) -> None:
    file = config(tmp_path, scenario={"faults": [{"fault": "refuse_503"}]}, gemini_live__backoff=[0.1, 0.2, 0.4])
    result = await hold(file, FILES[:1])
    assert result.record.why == "connection given up"
    assert [dial.attempt for dial in result.of(ConnectionDialed)] == [1, 2, 3, 4]
    assert {lost.code for lost in result.of(ConnectionLost)} == {503}
    assert result.of(ConnectionOpened) == []


@pytest.mark.soak
async def test_scores_that_never_come_are_asked_for_and_then_read_from_the_transcript(tmp_path: Path) -> None:
    ending = {"speak": "two", "call": "none"}
    file = config(tmp_path, SHORT | {"ending": ending}, scoring__score_timeout=1.5, scoring__max_requests=1)
    result = await hold(file, FILES[:2])
    assert result.record.scored == "complete"
    sources = {source for _, source in result.scores().values()}
    assert sources == {"speech", "text"}
    assert result.of(ScoreAsked)[0].missing
    assert {usage.model for usage in result.of(UsageReported)} == {"gemini-3.8-live", "gemini-2.5-flash"}


@AT_ONCE
def test_a_caller_who_hangs_up_in_mid_answer_is_heard_to_the_last_word(calls: Held[str]) -> None:
    result = calls["left"]
    assert result.record.state == "closed" and result.record.why == "caller left"
    assert SHORT["heard"][0] in result.said("caller")
    assert isinstance(result.events[-1], CallEnded)


@AT_ONCE
def test_a_call_that_is_too_dear_is_brought_to_its_end(calls: Held[str]) -> None:
    assert calls["dear"].record.why == "budget"


@AT_ONCE
def test_a_call_that_is_too_long_is_brought_to_its_end(calls: Held[str]) -> None:
    record = calls["long"].record
    assert record.why == "time limit" and record.detail == "0.1 minutes"
