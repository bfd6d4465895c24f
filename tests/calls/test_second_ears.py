"""Whole calls whose transcription stalls: second ears restore what the dialogue's own did not hear.

The long calls are held three at once, and each test looks at its own.
"""

import asyncio
import wave
from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.link_cases import chosen, rules
from core.events import (
    AlternativeTranscribed,
    ConnectionGivenUp,
    GapFound,
    GapRepaired,
    ProblemSeen,
    TranscriptMeasured,
    UsageReported,
    VerdictGiven,
)
from core.transcript.overlap import bare, share
from pipeline.record.models import Utterance
from support.calls import Held, Told, config, hold, hold_all
from support.clips import ANSWERS, RATE, READ, compose

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(900), pytest.mark.xdist_group("second ears")]

# The examiner really listens, so that what is missing is missing from the text, and asks once.
EXAMINER = {
    "kind": "speaking",
    "opening": "Hello.",
    "questions": ["Tell me about yourself."],
    "acknowledgements": ["I see."],
    "closing": "That is the end.",
    "latency": 0.1,
}
STAGES = ("resampler", "manual_vad", "gemini_live", "transcript", "scoring")
STALL = {"transcription": {"stall_after": 9.0}}
# As three recognisers hear the recordings, word for word but for the fillers.
SPOKEN = [word for clip in (*ANSWERS, READ) for word in clip.words]


def stalled(
    folder: Path,
    *,
    live: str,
    examiner: dict[str, Any] = EXAMINER,
    faults: Sequence[dict[str, Any]] = (),
    silence: float = 2.5,
    **shadow: Any,
) -> Path:
    """An exam whose service stops to transcribe after 9 s of a window, never flushed, with these second ears."""
    file = config(
        folder,
        examiner,
        scenario=STALL | {"faults": [*faults]},
        manual_vad__flush="none",
        manual_vad__silence=silence,
        gemini_live__model=live,
        transcript__repair_wait=30,  # a machine that runs other tests too is no faster than that
    )
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    data["stages"] = [stage for stage in data["stages"] if stage["use"] in STAGES]
    if shadow:
        at = next(n for n, stage in enumerate(data["stages"]) if stage["use"] == "gemini_live")
        data["stages"].insert(at, {"use": "shadow", **shadow})
    file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return file


def monologue(folder: Path) -> Path:
    """Half a minute of one turn."""
    path = compose(folder / "monologue.wav", [ANSWERS[0], 0.5, ANSWERS[1], 0.5, ANSWERS[2], 0.5, READ])
    with wave.open(str(path)) as file:
        assert 26 < file.getnframes() / file.getframerate() < 32
    return path


def recall(told: Told) -> float:
    """The share of the content words of the recordings that stand in the caller's transcript."""
    return share(" ".join(SPOKEN), told.said("caller"))


def timely(spoken: Utterance, behind: float) -> bool:
    """Whether each word of the recordings stands in a part whose times meet its recording's, or are so much later."""
    assert len(spoken.times) > 1
    begins = [one["offset"] for one in spoken.times]
    start, good = spoken.started, True
    for clip in (*ANSWERS, READ):
        for word in clip.words:
            if (place := spoken.text.lower().find(word.lower())) >= 0:
                part = spoken.times[bisect_right(begins, place) - 1]
                good &= part["ended"] > start - 1 and part["started"] < start + clip.seconds + behind
        start += clip.seconds + 0.5
    return good


def measured(told: Told) -> TranscriptMeasured:
    return told.of(TranscriptMeasured)[-1]


NEW, OLD = "gemini-3.8-live", "gemini-2.5-flash-native-audio-preview-12-2025"


AT_ONCE = 3
WANTED: dict[str, dict[str, Any]] = {
    "none": {"live": OLD},
    "holes, old model": {"live": OLD, "ears": "offline"},
    "holes, new model": {"live": NEW, "ears": "offline"},
    "offline": {"live": OLD, "ears": "offline", "when": "always"},
    "live": {"live": OLD, "ears": "live", "when": "always", "ears_model": NEW},
    "google": {"live": OLD, "ears": "google_stt", "when": "always"},
}


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Held[str]:
    """The long calls, by the ears that they have."""
    folder = tmp_path_factory.mktemp("ears")

    async def one(name: str) -> Told:
        there = folder / name
        there.mkdir()
        return await hold(stalled(there, **WANTED[name]), [monologue(there)])

    return asyncio.run(hold_all({name: partial(one, name) for name in WANTED}, AT_ONCE))


def test_without_second_ears_the_hole_is_told(calls: Held[str]) -> None:
    told = calls["none"]
    assert recall(told) < 0.6
    assert told.of(GapFound) and told.of(GapRepaired) == []
    assert measured(told).completeness < 0.7 and measured(told).repaired == 0
    assert {said.source for said in told.record.utterances} == {"live"}
    [spoken] = [said for said in told.record.utterances if said.speaker == "caller" and said.times]
    assert timely(spoken, 4.0)


@pytest.mark.parametrize("model", ["old", "new"])
def test_a_hole_is_heard_again_offline_and_filled(calls: Held[str], model: str) -> None:
    told = calls[f"holes, {model} model"]
    assert recall(told) == 1.0
    assert told.of(GapRepaired)
    assert measured(told).completeness == 1.0 and told.record.completeness == 1.0
    [spoken] = [said for said in told.record.utterances if said.speaker == "caller" and said.source == "repaired"]
    [live_text] = told.of(AlternativeTranscribed)
    assert live_text.source == "live" and share(live_text.text, spoken.text) > 0.8
    words = [bare(word) for word in spoken.text.split()]
    assert all(words.count(once) == 1 for once in ("bruce", "university", "leisure")), "nothing stands twice"


def test_offline_ears_that_hear_every_turn_need_no_repair(calls: Held[str]) -> None:
    told = calls["offline"]
    assert recall(told) == 1.0
    assert told.of(GapRepaired) == []
    [spoken] = [said for said in told.record.utterances if said.speaker == "caller" and said.source == "shadow"]
    assert len(spoken.text.split()) > 50
    assert timely(spoken, 1.0)
    assert {usage.model for usage in told.of(UsageReported)} == {OLD}, "they cost nothing"


def test_a_second_live_session_hears_every_turn_and_is_billed(calls: Held[str]) -> None:
    told = calls["live"]
    assert recall(told) == 1.0
    assert "shadow" in {said.source for said in told.record.utterances}
    assert {usage.model for usage in told.of(UsageReported)} == {OLD, NEW}
    assert told.record.model == OLD


def test_googles_transcription_hears_every_turn_beside_a_stalled_dialogue(calls: Held[str]) -> None:
    told = calls["google"]
    assert recall(told) == 1.0
    [spoken] = [said for said in told.record.utterances if said.speaker == "caller" and said.source == "shadow"]
    assert len(spoken.text.split()) > 50
    assert timely(spoken, 1.0)
    assert told.of(ProblemSeen) == []
    assert {usage.model for usage in told.of(UsageReported)} == {OLD}, "it reports no tokens, here as on the service"
    windows = [line["samples"] for line in told.truth if line["what"] == "window.closed" and line["rate"] == 16_000]
    assert len(windows) >= 4, "the dialogue's turn, and the same in pieces"


ASKED = {
    **EXAMINER,
    "kind": "scripted",
    "questions": ["Your name?", "The weather?"],
    "heard": [
        "My name is Bruce and I am located in Sackville in New Brunswick, which is a small university town in Canada.",
        "The weather here seems quite nice and the leaves are slowly departing from us.",
    ],
    "ending": {"speak": "none"},
}


@pytest.mark.parametrize(
    ("case", "words"), [("key_invalid@later", {"weather", "seems"}), ("bad_payload@answer", {"name", "bruce"})]
)
async def test_what_was_said_when_the_link_was_given_up_is_in_the_transcript(
    tmp_path: Path, case: str, words: set[str]
) -> None:
    answers: list[Path] = []
    for n, clip in enumerate((ANSWERS[0], ANSWERS[2])):
        answers.append(tmp_path / f"answer-{n}.wav")
        with wave.open(str(answers[-1]), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(clip.pcm[: 3 * 2 * RATE])
    faults = rules(chosen([case], quick=False)[0], "ours")
    if "turn" in faults[0]:
        faults[0]["message"] += 14  # 2 s into the second answer, when there is something to be heard of it
    file = stalled(tmp_path, live=NEW, ears="offline", examiner=ASKED, faults=faults, silence=0.8)
    told = await hold(file, answers)
    assert told.record.why == "link given up" and told.of(ConnectionGivenUp)
    given_up = told.of(ConnectionGivenUp)[0].at
    [spoken] = [said for said in told.record.utterances if said.source == "repaired"]
    assert spoken.speaker == "caller" and spoken.partial and spoken.started < given_up
    assert words <= {bare(word) for word in spoken.text.split()}
    assert told.record.completeness == 1.0 and measured(told).repaired == 1
    repaired = told.events.index(told.of(GapRepaired)[0])
    assert repaired < told.events.index(told.of(VerdictGiven)[0]), "the scores are read from the whole of it"
