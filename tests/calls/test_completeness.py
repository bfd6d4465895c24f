"""Completeness means what it says: ten calls that are broken on purpose, through the real stages on imagined time.

Each half second of the candidate's voice is a word, whose number its samples show: there the second transcriber reads
it. With `pytest -s` a table of the calls is printed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from pipecat.frames.frames import InputAudioRawFrame, TranscriptionFrame, TTSTextFrame, UserStartedSpeakingFrame
from pipecat.processors.frame_processor import FrameProcessorSetup
from pipecat.utils.text.base_text_aggregator import TextType

from core.events import GapFound, TranscriptMeasured, UtteranceSpoken
from core.text import join_words, split_text
from processors.frames import AudioReplayedFrame, CallerStoppedFrame, ReplyDoneFrame, VoiceSpanFrame
from processors.shadow.stage import Shadow, ShadowSettings
from processors.shadow.transcriber import TRANSCRIBER_RATE
from processors.transcript import Transcript, TranscriptSettings
from support.frames import Ends, running
from support.session import FakeSession
from support.virtual_time import VirtualTimeLoop

WORD = 0.5  # seconds of voice
REPLY = 6.0  # seconds from the end of an answer to the end of the reply to it

ENGLISH = "I live in a small town in Canada and I like the sea and the long walks there"
HINDI = "मैं कनाडा के एक छोटे नगर में रहता हूँ और मुझे समुद्र और लंबी सैर बहुत अच्छी लगती है"
CHINESE = "我住在北京，我喜欢在周末和朋友一起去公园散步，也喜欢看电影。我的家人住在上海。"
ASKED, ASKED_IN_CHINESE = "Where do you live, and what do you like about the place?", "你住在哪里？你喜欢什么？"


@dataclass(frozen=True)
class Answer:
    """What was said, and what the service makes of it: texts, and when each arrives, in seconds from the first word."""

    said: str
    texts: tuple[tuple[float, str], ...] = ()
    replayed_at: float | None = None
    asked: str = ASKED

    @property
    def seconds(self) -> float:
        return WORD * len(split_text(self.said))


def paced(said: str, lag: float = 1.0) -> tuple[tuple[float, str], ...]:
    """Each word as it is said."""
    return tuple((lag + WORD * n, f" {word}") for n, word in enumerate(split_text(said)))


@dataclass(frozen=True)
class Call:
    """A broken call, and what is right: completeness `alone` and with a second transcriber, and the text with that."""

    answers: tuple[Answer, ...]
    alone: float
    repaired: float
    text: str
    tolerance: float = 0.0


@dataclass
class Second:
    """The second transcriber: reads the words from the samples."""

    said: list[str] = field(default_factory=list[str])
    last: int = 0  # the number of the word at the end of the last chunk, which may be cut in two

    async def open(self, setup: FrameProcessorSetup) -> None:
        """It is ready."""

    async def transcribe(self, audio: bytes) -> str:
        numbers = np.frombuffer(audio, np.int16)
        told: list[int] = numbers[np.flatnonzero(np.diff(numbers, prepend=0))].tolist()
        told = [n for n in told if n and n != self.last]
        self.last = told[-1] if told else self.last
        return join_words(self.said[n - 1] for n in told)

    async def close(self) -> None:
        """Nothing is held."""


class Standing(Shadow):
    """Reads its recording, which is in a file and takes a thread, while the clock stands."""

    async def _process(self, work: Any) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        with loop.standing():
            await super()._process(work)


class Clock(FakeSession):
    """Its clock is exact to the microsecond: an alarm that rings a rounding error early would ring for ever."""

    def now(self) -> float:
        return round(super().now(), 6)


NONE_HEARD = tuple(Answer(said) for said in ("Yes please.", "In Canada.", "No never.", "My sister."))
WRONG_SCRIPT = Answer(ENGLISH, paced(HINDI))
LONG = f"{ENGLISH} but in winter it is cold and dark and most of my friends leave for the south of the country"
LOST = Answer(LONG, tuple((at, text) for at, text in paced(LONG) if at < 10.0))
TWICE = Answer(ENGLISH, ((9.5, ENGLISH), (9.875, f" {ENGLISH}")))
LATE = Answer(ENGLISH, ((8.5 + REPLY + 2.0, ENGLISH),))
NOISE = Answer(ENGLISH, paced("<noise> " * 17))
IN_CHINESE = Answer(CHINESE, ((13.0, CHINESE),), asked=ASKED_IN_CHINESE)
ONE_WORD = tuple(Answer(said, ((1.5, said),)) for said in ("Yes.", "No.", "Canada.", "Never."))
CUT_REPLAY = Answer(ENGLISH, (*paced(ENGLISH), (11.0, " I live")), replayed_at=10.0)
ALL = (*NONE_HEARD, WRONG_SCRIPT, TWICE, NOISE, *ONE_WORD, LATE, CUT_REPLAY)
SAID = " ".join(answer.said for answer in NONE_HEARD)
SHORT = " ".join(answer.said for answer in ONE_WORD)

CALLS = {
    "none heard": Call(NONE_HEARD, 0.0, 1.0, SAID),
    "wrong script": Call((WRONG_SCRIPT,), 0.0, 1.0, ENGLISH),
    "text lost on the way": Call((LOST,), 0.48, 1.0, LONG, tolerance=0.06),
    "text twice": Call((TWICE,), 1.0, 1.0, ENGLISH),
    "late text": Call((LATE,), 1.0, 1.0, ENGLISH),
    "marker noise": Call((NOISE,), 0.0, 1.0, ENGLISH),
    "Chinese": Call((IN_CHINESE,), 1.0, 1.0, CHINESE),
    "one-word answers": Call(ONE_WORD, 1.0, 1.0, SHORT),
    "cut replay": Call((CUT_REPLAY,), 1.0, 1.0, ENGLISH),
    "everything": Call(ALL, 29 / 51, 1.0, " ".join(answer.said for answer in ALL), tolerance=0.01),
}
FOUND: dict[str, list[str]] = {}


async def answer(ends: Ends, session: FakeSession, one: Answer, second: Second) -> None:
    """One question, the answer to it, the reply, and text that comes later still."""
    await ends.push(TTSTextFrame(one.asked, TextType.WORD), ReplyDoneFrame())
    await asyncio.sleep(1.0)
    await ends.push(UserStartedSpeakingFrame())
    began = session.now()
    first = len(second.said) + 1
    second.said += split_text(one.said)
    happens: list[tuple[float, str]] = [
        *((WORD * (n + 1 - first), f"word {n}") for n in range(first, len(second.said) + 1)),
        *((at, f"text {text}") for at, text in one.texts),
        (one.seconds + 0.25, "stop"),
        (one.seconds + REPLY, "reply"),
        *([(one.replayed_at, "replay")] if one.replayed_at is not None else []),
    ]
    for at, what in sorted(happens, key=lambda happening: happening[0]):
        await asyncio.sleep(max(0.0, began + at - session.now()))
        kind, _, about = what.partition(" ")
        match kind:
            case "word":
                audio = np.full(round(WORD * TRANSCRIBER_RATE), int(about), np.int16).tobytes()
                await ends.push(
                    InputAudioRawFrame(audio, TRANSCRIBER_RATE, 1),
                    VoiceSpanFrame(started=session.now() - WORD, ended=session.now()),
                )
            case "text":
                await ends.push(TranscriptionFrame(about, "caller", "2026-01-01T00:00:00Z"))
            case "stop":
                await ends.push(CallerStoppedFrame(spoke_until=began + one.seconds))
            case "replay":
                await ends.push(AudioReplayedFrame(whole=True))
            case _:
                await ends.push(TTSTextFrame("I see.", TextType.WORD), ReplyDoneFrame())
    await asyncio.sleep(10.0)


async def held(answers: Sequence[Answer], *, repaired: bool) -> FakeSession:
    """The call, through the stages `shadow` and `transcript`."""
    session, second = Clock(), Second()
    transcript = Transcript(TranscriptSettings(), session)
    stages = [Standing(ShadowSettings(), session, second), transcript] if repaired else [transcript]
    async with running(*stages) as ends:
        for one in answers:
            await answer(ends, session, one, second)
        await transcript.finish()
    return session


def said(session: FakeSession) -> str:
    spoken = sorted(session.of(UtteranceSpoken), key=lambda one: one.started)
    return " ".join(one.text for one in spoken if one.speaker == "caller")


@pytest.mark.parametrize("name", CALLS)
async def test_completeness_means_what_it_says_in(name: str) -> None:
    call = CALLS[name]
    alone, repaired = await held(call.answers, repaired=False), await held(call.answers, repaired=True)
    measured = [session.of(TranscriptMeasured)[-1].completeness for session in (alone, repaired)]
    gaps = len(alone.of(GapFound))
    FOUND[name] = [f"{measured[0]:.3f}", f"{measured[1]:.3f}", str(gaps), str(len(split_text(said(repaired))))]
    print(f"\n{name:24}", *(f"{cell:>8}" for cell in FOUND[name]))  # noqa: T201 - the table
    assert measured[0] == pytest.approx(call.alone, abs=call.tolerance + 0.001)
    assert measured[1] == pytest.approx(call.repaired, abs=0.001)
    assert said(repaired) == call.text
