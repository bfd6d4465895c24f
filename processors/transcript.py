"""Shell of core/transcript/assembler and core/transcript/repair: text frames -> utterances, recorded in order."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated, assert_never

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

from core.events import AlternativeTranscribed, TranscriptMeasured
from core.ports import Session
from core.transcript.assembler import TranscriptAssembler
from core.transcript.checkpoint import CheckpointTimer
from core.transcript.gaps import GapPolicy
from core.transcript.markers import markers_removed, without_markers
from core.transcript.missing_audio import MissingAudio
from core.transcript.repair import (
    SEARCH_INTERVAL,
    Action,
    Prefer,
    RecordEvent,
    RecordUtterance,
    RepairPolicy,
    Retranscribe,
    TranscriptRepair,
)
from core.transcript.values import FinishedUtterance
from processors.frames import (
    AudioMissingFrame,
    AudioReplayedFrame,
    CallerStoppedFrame,
    GapFrame,
    ReplyDoneFrame,
    ShadowReadyFrame,
    ShadowTextFrame,
    TranscriptionFinishedFrame,
    UtteranceFrame,
    VoiceSpanFrame,
    WindowClosedFrame,
)
from processors.stage import Stage, StageSettings

# Seconds for the end of a turn to come from the voice detector, through the stages between.
TURN_END = 1.0


class TranscriptSettings(StageSettings):
    """How the transcript is repaired."""

    least_rate: float = Field(
        0.5,
        ge=0,
        description="words a second of the caller's voice below which a window of 5 s counts as a gap. Speech has 2 to"
        " 3, slow learners 1; 0 finds no gaps",
    )
    repair_wait: float = Field(
        5.0,
        ge=0,
        description="seconds that an utterance waits for the second transcriber (stage `shadow`) at least, and a"
        " quarter of its voice more; nothing else waits for it. Later text becomes an utterance of its own",
    )
    prefer: Prefer = Field(
        "fuller",
        description="whose text is recorded where `shadow` transcribes every turn: that of the Live session (`live`),"
        " that of the second transcriber (`shadow`), or the latter only where it has at least a twentieth more words"
        " (`fuller`). The log has the other",
    )
    languages: tuple[Annotated[str, Field(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$")], ...] = Field(
        (),
        max_length=20,
        description="BCP 47 codes of what the candidate is to speak; words in another script, and longer text that is"
        " not English where only that is expected, count as a gap. By default what the examiner speaks",
    )


class Transcript(Stage[TranscriptSettings]):
    """Turns both sides' fragments of text into utterances."""

    Settings = TranscriptSettings
    takes = (TranscriptionFrame, TTSTextFrame, ShadowTextFrame)
    gives = (UtteranceFrame,)

    def __init__(self, settings: TranscriptSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._assembler = TranscriptAssembler()
        gaps = GapPolicy(least_rate=settings.least_rate)
        policy = RepairPolicy(gaps, settings.repair_wait, settings.prefer, settings.languages)
        self._repair = TranscriptRepair(policy)
        self._missing = MissingAudio()
        self._checkpoints = CheckpointTimer()
        self._changed = asyncio.Event()
        self._running = True
        self._searched_at = 0.0  # when the unfinished turn was last searched for gaps
        self._checked: float | None = None  # the turn with this text deadline was searched for gaps

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        if direction is FrameDirection.DOWNSTREAM:
            if isinstance(frame, EndFrame | CancelFrame):
                self._running = False
                await self._carry_out(self._finished(self.session.now()), push=isinstance(frame, EndFrame))
            else:
                await self._on_frame(frame, self.session.now())
            self._changed.set()
        self._set_alarm()
        await self.push_frame(frame, direction)

    async def woken(self, now: float) -> None:
        deadline = self._assembler.caller_text_deadline
        if deadline is not None and now >= deadline:
            self._checked = deadline
            await self._carry_out(self._repair.text_complete(*self._assembler.caller_pending, now))
        await self._on_finished(self._assembler.tick(now), now)
        await self._carry_out(self._repair.tick(now))
        for checkpoint in self._checkpoints.tick(self._assembler.unfinished, now):
            self.session.record(checkpoint)
        self._set_alarm()

    async def finish(self) -> None:
        """Record what is pending; the second transcriber may answer the pending requests."""
        # The turn is closed by now, but its end, and the last of its voice, may be on their way here.
        if not await self._until(lambda: not self._assembler.caller_open, TURN_END):
            logger.info("The call ends in the middle of a turn.")
        now = self.session.now()
        await self._on_finished(self._assembler.finish(now), now)
        deadline = self._repair.deadline()
        if deadline is not None and not await self._until(lambda: not self._repair.waiting, deadline - now):
            logger.info("The call ends before the second transcriber has answered.")
        await self._carry_out(self._repair.finish(self.session.now()))

    async def _until(self, done: Callable[[], bool], most: float) -> bool:
        """Wait up to `most` seconds for what frames may still change; not when there are no more of them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, most)):
                while self._running and not done():
                    self._changed.clear()
                    await self._changed.wait()
        return done() or not self._running

    async def _on_frame(self, frame: Frame, now: float) -> None:
        assembler = self._assembler
        match frame:
            case UserStartedSpeakingFrame():
                await self._on_finished(assembler.caller_started(now), now)
            case VoiceSpanFrame(started=started, ended=ended):
                assembler.voice_detected(started, ended)
            case AudioMissingFrame(started=started, ended=ended, seconds=seconds):
                self._missing.add(started, ended, seconds)
            case UserStoppedSpeakingFrame():
                until = frame.spoke_until if isinstance(frame, CallerStoppedFrame) else now
                await self._on_finished(assembler.caller_stopped(now, until), now)
            case TranscriptionFrame(text=text, finalized=finished):
                await self._on_finished(assembler.caller_transcribed(text, now, finished=finished), now)
                self._checkpoints.text_received(assembler.started_at("caller", now), now)
                if now >= self._searched_at + SEARCH_INTERVAL:  # what was said so far is put together anew each time
                    self._searched_at = now
                    await self._carry_out(self._repair.progress(*assembler.caller_pending, now))
            case TranscriptionFinishedFrame():
                assembler.caller_transcribed("", now, finished=True)
            case WindowClosedFrame(acknowledged=acknowledged):
                assembler.window_closed(acknowledged=acknowledged)
            case AudioReplayedFrame(whole=whole):
                assembler.audio_replayed(whole=whole)
            case ShadowReadyFrame(always=always):
                self._repair.transcriber_ready(always)
            case ShadowTextFrame(started=started, ended=ended, repaired=repaired):
                text, markers = without_markers(frame.text)
                segments = [(without_markers(words)[0].strip(), begin, end) for words, begin, end in frame.segments]
                for event in markers_removed(now, "caller", markers):
                    self.session.record(event)
                await self._carry_out(self._repair.transcribed(text.strip(), started, ended, repaired, now, segments))
            case TTSTextFrame(text=text):
                await self._on_finished(assembler.examiner_transcribed(text, now), now)
                self._checkpoints.text_received(assembler.started_at("examiner", now), now)
            case TTSAudioRawFrame():
                await self._on_finished(assembler.examiner_transcribed("", now), now)
            case ReplyDoneFrame(interrupted=interrupted, played_share=share):
                await self._on_finished(assembler.reply_done(now, interrupted=interrupted, played_share=share), now)
            case InterruptionFrame():
                # A reply that was played to its end is done already.
                assembler.examiner_interrupted(now)
            case _:
                pass

    def _finished(self, now: float) -> list[Action]:
        finished = self._assembler.finish(now)
        return [*(action for one in finished for action in self._record(one, now)), *self._repair.finish(now)]

    async def _on_finished(self, finished: Sequence[FinishedUtterance], now: float) -> None:
        for one in finished:
            await self._carry_out(self._record(one, now))

    def _record(self, finished: FinishedUtterance, now: float) -> list[Action]:
        said = finished.utterance
        actions: list[Action] = [RecordEvent(event) for event in markers_removed(now, said.speaker, finished.markers)]
        if finished.alternative:
            other = AlternativeTranscribed(now, said.started, said.ended, finished.alternative, "live")
            actions.append(RecordEvent(other))
        if said.text or finished.voice:
            actions += self._repair.utterance_finished(finished, now)
        return actions

    async def _carry_out(self, actions: Sequence[Action], *, push: bool = True) -> None:
        """Without `push` only record: frames go nowhere any more."""
        for action in actions:
            match action:
                case RecordUtterance(utterance):
                    utterance = self._missing.marked(utterance)
                    self.session.record(utterance)
                    if push:
                        await self.push_frame(UtteranceFrame(utterance))
                case RecordEvent(TranscriptMeasured() as measured):
                    self.session.record(self._missing.measured(measured))
                case RecordEvent(event):
                    self.session.record(event)
                case Retranscribe(started, ended):
                    if push:
                        await self.push_frame(GapFrame(started=started, ended=ended), FrameDirection.UPSTREAM)
                case _:
                    assert_never(action)
        self._changed.set()

    def _set_alarm(self) -> None:
        deadline = self._assembler.caller_text_deadline
        times = [
            self._assembler.deadline(),
            self._repair.deadline(),
            self._checkpoints.deadline(),
            None if deadline == self._checked else deadline,
        ]
        self.wake_at(min((time for time in times if time is not None), default=None) if self._running else None)
