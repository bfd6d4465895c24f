"""Shell of core/transcript/assembler and core/transcript/repair: frames of text -> utterances, recorded in order."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import assert_never

from loguru import logger
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterruptionFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pydantic import Field

from core.ports import Session
from core.transcript.assembler import TranscriptAssembler
from core.transcript.checkpoint import CheckpointTimer
from core.transcript.gaps import GapPolicy
from core.transcript.repair import Action, Ask, Note, Prefer, Record, RepairPolicy, TranscriptRepair
from core.transcript.values import FinishedUtterance
from processors.frames import (
    AudioReplayedFrame,
    CallerStoppedFrame,
    GapFrame,
    ReplyDoneFrame,
    ShadowReadyFrame,
    ShadowTextFrame,
    UtteranceFrame,
    VoiceSpanFrame,
    WindowClosedFrame,
)
from processors.stage import Stage, StageSettings

# Seconds for the end of a turn to come from the voice detector, through the stages between.
TURN_END = 1.0


class TranscriptSettings(StageSettings):
    """How the transcript is kept."""

    least_rate: float = Field(
        0.5,
        ge=0,
        description="words a second of the caller's voice below which a stretch of 5 s counts as a hole. Talk has 2 to"
        " 3, slow learners 1; 0 finds no holes",
    )
    repair_wait: float = Field(
        5.0,
        ge=0,
        description="seconds that an utterance waits for the second ears (stage `shadow`) at least, and a quarter of"
        " its voice more; nothing else waits for it. What they hear later stands beside it",
    )
    prefer: Prefer = Field(
        "fuller",
        description="whose text is recorded where the second ears hear every turn: the dialogue's own (`live`), theirs"
        " (`shadow`), or theirs only where it has at least a twentieth more words (`fuller`). The other is kept in the"
        " log",
    )


class Transcript(Stage[TranscriptSettings]):
    """Turns both sides' pieces of text into utterances."""

    Settings = TranscriptSettings

    def __init__(self, settings: TranscriptSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._machine = TranscriptAssembler()
        holes = GapPolicy(least_rate=settings.least_rate)
        self._mending = TranscriptRepair(RepairPolicy(holes, settings.repair_wait, settings.prefer))
        self._keeping = CheckpointTimer()
        self._settled = asyncio.Event()
        self._running = True
        self._weighed: float | None = None  # the turn that settled then was looked at

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        if direction is FrameDirection.DOWNSTREAM:
            if isinstance(frame, EndFrame | CancelFrame):
                self._running = False
                await self._carry_out(self._over(self.session.now()), heard=isinstance(frame, EndFrame))
            else:
                await self._take(frame, self.session.now())
            self._settled.set()
        self._set_alarm()
        await self.push_frame(frame, direction)

    async def woken(self, now: float) -> None:
        settles = self._machine.caller_settles
        if settles is not None and now >= settles:
            self._weighed = settles
            await self._carry_out(self._mending.settled(*self._machine.caller_so_far, now))
        await self._carry_out(self._mending.tick(now))
        for kept in self._keeping.tick(self._machine.unfinished, now):
            self.session.record(kept)
        self._set_alarm()

    async def conclude(self) -> None:
        """Whatever is not finished is over; the second ears may finish what they were asked for."""
        # The turn is closed by now, but its end, and the last of its voice, may be on their way here.
        if not await self._until(lambda: not self._machine.caller_open, TURN_END):
            logger.info("The call ends in the middle of a turn.")
        now = self.session.now()
        await self._say(self._machine.end(now), now)
        due = self._mending.deadline()
        if due is not None and not await self._until(lambda: not self._mending.waiting, due - now):
            logger.info("The call ends without what the second ears were asked for.")
        await self._carry_out(self._mending.end(self.session.now()))

    async def _until(self, done: Callable[[], bool], most: float) -> bool:
        """Wait for what frames may still bring about; when there are no more of them, don't."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, most)):
                while self._running and not done():
                    self._settled.clear()
                    await self._settled.wait()
        return done() or not self._running

    async def _take(self, frame: Frame, now: float) -> None:
        machine = self._machine
        match frame:
            case UserStartedSpeakingFrame():
                await self._say(machine.caller_opened(now), now)
            case VoiceSpanFrame(started=started, ended=ended):
                machine.caller_voice(started, ended)
            case UserStoppedSpeakingFrame():
                until = frame.spoke_until if isinstance(frame, CallerStoppedFrame) else now
                await self._say(machine.caller_closed(now, until), now)
            case TranscriptionFrame(text=text):
                await self._say(machine.caller_text(text, now), now)
                self._keeping.came(machine.began("caller", now), now)
                await self._carry_out(self._mending.progress(*machine.caller_so_far, now))
            case WindowClosedFrame(safe=safe):
                machine.caller_text_kept(safe=safe)
            case AudioReplayedFrame():
                machine.caller_heard_again()
            case ShadowReadyFrame(always=always):
                self._mending.ears(always)
            case ShadowTextFrame(text=text, started=started, ended=ended, repaired=repaired, heard=heard):
                await self._carry_out(self._mending.second(text, started, ended, repaired, now, heard))
            case TTSTextFrame(text=text):
                await self._say(machine.examiner_spoke(text, now), now)
                self._keeping.came(machine.began("examiner", now), now)
            case TTSAudioRawFrame():
                await self._say(machine.examiner_spoke("", now), now)
            case ReplyDoneFrame(interrupted=interrupted, heard=heard):
                await self._say(machine.examiner_done(now, interrupted=interrupted, heard=heard), now)
            case InterruptionFrame():
                # What was being said is cut off; a reply that had been heard to its end is done already.
                machine.examiner_cut(now)
            case _:
                pass

    def _over(self, now: float) -> list[Action]:
        ended = [action for said in self._machine.end(now) for action in self._mending.said(said, now)]
        return [*ended, *self._mending.end(now)]

    async def _say(self, finished: Sequence[FinishedUtterance], now: float) -> None:
        for said in finished:
            await self._carry_out(self._mending.said(said, now))

    async def _carry_out(self, actions: Sequence[Action], *, heard: bool = True) -> None:
        """`heard` is False when no frame goes anywhere any more."""
        for action in actions:
            match action:
                case Record(spoken):
                    self.session.record(spoken)
                    if heard:
                        await self.push_frame(UtteranceFrame(spoken))
                case Note(event):
                    self.session.record(event)
                case Ask(started, ended):
                    if heard:
                        await self.push_frame(GapFrame(started=started, ended=ended), FrameDirection.UPSTREAM)
                case _:
                    assert_never(action)
        self._settled.set()

    def _set_alarm(self) -> None:
        settles = self._machine.caller_settles
        times = [self._mending.deadline(), self._keeping.deadline(), None if settles == self._weighed else settles]
        self.wake_at(min((time for time in times if time is not None), default=None) if self._running else None)
