"""Frames -> LiveConversationMachine -> frames, and the one connection it dials."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

from loguru import logger
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    ClientConnectedFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    OutputAudioRawFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    TTSTextFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pipecat.utils.text.base_text_aggregator import TextType

from core.billing.usage import TokenCounts, fill_in
from core.live.actions import (
    Action,
    AudioReplayed,
    BeginSpeech,
    CallerFragment,
    CallTool,
    Caption,
    Charge,
    CutSpeech,
    Dial,
    EndSpeech,
    GiveUp,
    HangUp,
    Note,
    Play,
    ReplyOver,
    Seed,
    Transmit,
    WindowClosed,
)
from core.live.close_codes import CloseAction
from core.live.conversation import LiveConversationMachine
from core.ports import Session
from core.stages import StageInfo
from processors.audio_spool import FileSpool
from processors.frames import (
    AnswerExpectedFrame,
    AudioReplayedFrame,
    CallerAwayFrame,
    CallerBackFrame,
    CallerStoppedFrame,
    FlushFrame,
    InstructionFrame,
    ReplyDoneFrame,
    ToolAnswerFrame,
    ToolCallFrame,
    TranscriptionFinishedFrame,
    VoiceSpanFrame,
    WindowClosedFrame,
)
from processors.gemini_live.connection import Connection, ConnectionLostError
from processors.gemini_live.farewell import read_farewell
from processors.gemini_live.settings import GeminiLiveSettings, client, connect_config, system_instruction
from processors.gemini_live.text_model import ask
from processors.stage import Stage


class GeminiLive(Stage[GeminiLiveSettings]):
    """The examiner: a Gemini Live model that takes the caller's turns, replies with speech, and calls functions."""

    Settings = GeminiLiveSettings
    takes = (UserStartedSpeakingFrame,)
    gives = (TranscriptionFrame, TTSTextFrame, ToolCallFrame, ReplyDoneFrame)

    def __init__(self, settings: GeminiLiveSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._client = client(settings)
        self._spool = FileSpool()
        self._live = LiveConversationMachine(settings.policy, spool=self._spool)
        self._connection: Connection | None = None
        self._connection_task: asyncio.Task[None] | None = None
        self._farewell = None if settings.farewell is None else read_farewell(settings.farewell)
        self._opened = False  # the opening was sent
        self._changed = asyncio.Event()  # something has happened that `finish` may wait for

    @classmethod
    def describe(cls, settings: GeminiLiveSettings) -> StageInfo:
        return StageInfo(model=settings.model)

    async def setup(self, setup: FrameProcessorSetup) -> None:
        await super().setup(setup)
        self._live.serve(frozenset(tool["name"] for tool in self.session.tools))
        instructions = system_instruction(self.settings.prompt, self.session.instructions) or ""
        await self._carry_out(self._live.start(self.session.now(), instructions))

    async def cleanup(self) -> None:
        await self._carry_out(self._live.close(self.session.now()))
        self._spool.close()
        await super().cleanup()

    async def woken(self, now: float) -> None:
        await self._carry_out(self._live.tick(now))

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        if (model := self.settings.text_model) is None:
            return None

        def charge(counts: TokenCounts) -> None:
            self.session.charge(model, fill_in(counts, 0, 0))

        return await ask(self._client, self.settings, prompt, schema, charge)

    async def finish(self) -> None:
        """Let the examiner finish its sentence, and wait for the text of the caller's last words."""
        await self._until(lambda: not self._live.replying, self.settings.last_sentence)
        await self._carry_out(self._live.finish(self.session.now()))
        await self._until(lambda: not self._live.awaiting_answer, self.settings.last_words)
        await self._carry_out(self._live.charge_estimates())

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        live, now = self._live, self.session.now()
        match frame:
            case InputAudioRawFrame():
                await self._carry_out(live.caller_audio(frame.audio, frame.sample_rate))
                return
            case FlushFrame(why=why, at=at):
                await self._carry_out(live.flush(now, at, why))
                return
            case InstructionFrame(text=text):
                await self._carry_out(live.instruct(text, now))
                return
            case ToolAnswerFrame(call_id=id, function=name, result=result):
                as_text = f"The result of {name} is: {json.dumps(result)}"
                await self._carry_out(live.tool_answered(id, name, result, as_text, now))
                return
            case ClientConnectedFrame() if not self._opened:
                self._opened = True
                await self._carry_out(live.instruct(self.settings.opening, now))
            case UserStartedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                await self._carry_out(live.caller_started(now))
            case CallerStoppedFrame(spoke_until=until, voiced=voiced) if direction is FrameDirection.DOWNSTREAM:
                await self._carry_out(live.caller_stopped(now, voiced=voiced, spoke_until=until))
            case UserStoppedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                await self._carry_out(live.caller_stopped(now))
            case VoiceSpanFrame(ended=ended) if direction is FrameDirection.DOWNSTREAM:
                await self._carry_out(live.caller_voiced(ended, now))
            case CallerAwayFrame(since=since):
                live.presence.left(since)
                await self._carry_out([])
            case CallerBackFrame(missing=missing, in_turn=in_turn, too_long=too_long):
                text = live.presence.returned(now, missing=missing, in_turn=in_turn, too_long=too_long)
                await self._carry_out(live.instruct(text, now) if text else [])
            case AnswerExpectedFrame(at_least=at_least, thinking=thinking):
                live.answer_expected(at_least, thinking)
            case BotStartedSpeakingFrame():
                live.playback_started(now)
            case BotStoppedSpeakingFrame():
                await self._carry_out(live.playback_stopped(now))
            case EndFrame() | CancelFrame():
                await self._carry_out(live.close(now))
            case _:
                pass
        await self.push_frame(frame, direction)

    async def _until(self, done: Callable[[], bool], timeout: float) -> None:
        try:
            async with asyncio.timeout(timeout):
                while not done():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            logger.info(f"The call ends without waiting longer than {timeout:g} s for the service.")

    # --- what the machine wants done

    async def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            await self._do(action)
        self.wake_at(self._live.deadline())
        self._changed.set()

    async def _do(self, action: Action) -> None:
        match action:
            case Transmit(items):
                if self._connection is not None:
                    self._connection.send(*items)
            case Play(pcm, rate):
                await self.push_frame(TTSAudioRawFrame(pcm, rate, 1))
            case Caption(text):
                caption = TTSTextFrame(text, TextType.WORD)
                caption.includes_inter_frame_spaces = True
                await self.push_frame(caption)
            case CallerFragment(finished=True):
                await self.push_frame(TranscriptionFinishedFrame())
            case CallerFragment(text):
                await self.push_frame(TranscriptionFrame(text, "caller", datetime.now(UTC).isoformat()))
            case WindowClosed(acknowledged):
                await self.push_frame(WindowClosedFrame(acknowledged=acknowledged))
            case AudioReplayed(whole):
                await self.push_frame(AudioReplayedFrame(whole=whole))
            case BeginSpeech():
                await self.push_frame(TTSStartedFrame())
            case EndSpeech():
                await self.push_frame(TTSStoppedFrame())
            case CutSpeech():
                await self.broadcast_interruption()
            case ReplyOver(interrupted, played_share):
                await self.push_frame(ReplyDoneFrame(interrupted=interrupted, played_share=played_share))
            case CallTool(id, name, args):
                await self.push_frame(ToolCallFrame(call_id=id, function=name, args=args))
            case Charge(counts, audio_in, audio_out):
                self.session.charge(self.settings.model, fill_in(counts, audio_in, audio_out))
            case Note(event):
                self.session.record(event)
            case Seed(turns):
                if self._connection is not None:
                    self._connection.seed(turns)
            case Dial():
                name = f"live connection {action.number}"
                self._connection_task = self.create_task(self._run_connection(action), name=name)
            case HangUp():
                await self._hang_up()
            case GiveUp(why):
                if self._farewell is not None:
                    await self.push_frame(OutputAudioRawFrame(*self._farewell, 1))
                self.session.finish("connection given up", why)
            case _:
                assert_never(action)

    # --- the connection

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        task, self._connection_task = self._connection_task, None
        if connection is not None:
            await connection.close()
        if task is not None and task is not asyncio.current_task():
            await self.cancel_task(task)

    async def _run_connection(self, dial: Dial) -> None:
        """One connection from dialing to its end."""
        live, session, dialed = self._live, self.session, self.session.now()
        connection = Connection(self._client, self.settings.model, self.settings.model_facts, self.settings.chunk)
        self._connection = connection
        resumed = dial.handle is not None
        try:
            seeded = bool(session.utterances) and not resumed
            config = connect_config(
                self.settings, session.tools, dial.handle, instructions=session.instructions, seeded=seeded
            )
            await connection.open(config, self.settings.dial_timeout)
            now = session.now()
            # By now more may have been said than when it was dialed. A session that was not set up for it takes none.
            utterances = tuple(session.utterances) if resumed or seeded else ()
            service_session, summary = connection.service_session, session.progress_summary
            opened = live.opened(now - dialed, service_session, utterances, resumed, now, progress_summary=summary)
            await self._carry_out(opened)
            async for message in connection.events():
                await self._carry_out(live.on_server_message(message, dial.number, session.now()))
        except ConnectionLostError as end:
            if connection is self._connection:
                self._connection = None
            await connection.close()
            lost = live.lost(end.code, end.reason, end.action, end.meaning, dial.number, session.now())
            if lost:
                level = "ERROR" if end.action is CloseAction.GIVE_UP else "WARNING"
                logger.log(
                    level, f"Live connection lost ({end.code} {end.reason!r}): {end.meaning} Next: {end.action}."
                )
            await self._carry_out(lost)
