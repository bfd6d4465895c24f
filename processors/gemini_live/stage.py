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

from core.billing.usage import fill_in
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
from processors.audio_spool import FileSpool
from processors.frames import (
    AnswerExpectedFrame,
    AudioReplayedFrame,
    CallerStoppedFrame,
    FlushFrame,
    InstructionFrame,
    ReplyDoneFrame,
    ToolAnswerFrame,
    ToolCallFrame,
    VoiceSpanFrame,
    WindowClosedFrame,
)
from processors.gemini_live.connection import Connection, Lost
from processors.gemini_live.farewell import recording
from processors.gemini_live.settings import GeminiLiveSettings, client, connect_config, told
from processors.gemini_live.text_model import ask
from processors.stage import Stage


class GeminiLive(Stage[GeminiLiveSettings]):
    """The examiner: hears the caller's turns, speaks, calls functions."""

    Settings = GeminiLiveSettings

    def __init__(self, settings: GeminiLiveSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._client = client(settings)
        self._shelf = FileSpool()
        self._live = LiveConversationMachine(settings.policy, shelf=self._shelf)
        self._connection: Connection | None = None
        self._holding: asyncio.Task[None] | None = None
        self._farewell = None if settings.farewell is None else recording(settings.farewell)
        self._begun = False
        self._changed = asyncio.Event()  # something has happened that `conclude` may wait for

    async def setup(self, setup: FrameProcessorSetup) -> None:
        await super().setup(setup)
        self._live.serve(frozenset(tool["name"] for tool in self.session.tools))
        instructions = told(self.settings.prompt, self.session.instructions) or ""
        await self._carry_out(self._live.start(self.session.now(), instructions))

    async def cleanup(self) -> None:
        await self._carry_out(self._live.close(self.session.now()))
        self._shelf.close()
        await super().cleanup()

    async def woken(self, now: float) -> None:
        await self._carry_out(self._live.tick(now))

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        if self.settings.text_model is None:
            return None
        answer, counts = await ask(self._client, self.settings, prompt, schema)
        self.session.charge(self.settings.text_model, fill_in(counts, 0, 0))
        return answer

    async def conclude(self) -> None:
        """Let the examiner finish its sentence, and wait for the text of the caller's last words."""
        await self._until(lambda: not self._live.replying, self.settings.last_sentence)
        await self._carry_out(self._live.conclude(self.session.now()))
        await self._until(lambda: not self._live.owed, self.settings.last_words)
        await self._carry_out(self._live.settle())

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
                await self._carry_out(live.tell(text, now))
                return
            case ToolAnswerFrame(call_id=id, function=name, result=result):
                told = f"The result of {name} is: {json.dumps(result)}"
                await self._carry_out(live.answer_tool(id, name, result, told, now))
                return
            case ClientConnectedFrame() if not self._begun:
                self._begun = True
                await self._carry_out(live.tell(self.settings.opening, now))
            case UserStartedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                await self._carry_out(live.caller_began(now))
            case CallerStoppedFrame(spoke_until=until, voiced=voiced) if direction is FrameDirection.DOWNSTREAM:
                await self._carry_out(live.caller_stopped(now, voiced=voiced, spoke_until=until))
            case UserStoppedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                await self._carry_out(live.caller_stopped(now))
            case VoiceSpanFrame(ended=ended) if direction is FrameDirection.DOWNSTREAM:
                await self._carry_out(live.caller_voiced(ended, now))
            case AnswerExpectedFrame(at_least=at_least, thinking=thinking):
                live.answer_due(at_least, thinking)
            case BotStartedSpeakingFrame():
                live.audible(now)
            case BotStoppedSpeakingFrame():
                await self._carry_out(live.played(now))
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
                spoken = TTSTextFrame(text, TextType.WORD)
                spoken.includes_inter_frame_spaces = True
                await self.push_frame(spoken)
            case CallerFragment(text):
                await self.push_frame(TranscriptionFrame(text, "caller", datetime.now(UTC).isoformat()))
            case WindowClosed(safe):
                await self.push_frame(WindowClosedFrame(safe=safe))
            case AudioReplayed():
                await self.push_frame(AudioReplayedFrame())
            case BeginSpeech():
                await self.push_frame(TTSStartedFrame())
            case EndSpeech():
                await self.push_frame(TTSStoppedFrame())
            case CutSpeech():
                await self.broadcast_interruption()
            case ReplyOver(interrupted, heard):
                await self.push_frame(ReplyDoneFrame(interrupted=interrupted, heard=heard))
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
                self._holding = self.create_task(self._hold(action), name=f"live connection {action.number}")
            case HangUp():
                await self._hang_up()
            case GiveUp(why):
                if self._farewell is not None:
                    await self.push_frame(OutputAudioRawFrame(*self._farewell, 1))
                self.session.finish("link given up", why)
            case _:
                assert_never(action)

    # --- the connection

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        holding, self._holding = self._holding, None
        if connection is not None:
            await connection.close()
        if holding is not None and holding is not asyncio.current_task():
            await self.cancel_task(holding)

    async def _hold(self, dial: Dial) -> None:
        """One connection from dialing to its end."""
        live, session, dialed = self._live, self.session, self.session.now()
        connection = Connection(self._client, self.settings.model, self.settings.facts, self.settings.chunk)
        self._connection = connection
        resumed, said = dial.handle is not None, tuple(session.utterances)
        try:
            seeded = bool(said) and not resumed
            config = connect_config(
                self.settings, session.tools, dial.handle, instructions=session.instructions, seeded=seeded
            )
            await connection.open(config, self.settings.dial_timeout)
            now = session.now()
            took, standing = now - dialed, session.standing
            await self._carry_out(live.opened(took, connection.service_session, said, resumed, now, standing=standing))
            async for event in connection.events():
                await self._carry_out(live.heard(event, dial.number, session.now()))
        except Lost as end:
            if connection is self._connection:
                self._connection = None
            await connection.close()
            lost = live.lost(end.code, end.reason, end.verdict, end.meaning, dial.number, session.now())
            if lost:
                level = "ERROR" if end.verdict is CloseAction.GIVE_UP else "WARNING"
                logger.log(level, f"Live link lost ({end.code} {end.reason!r}): {end.meaning} Next: {end.verdict}.")
            await self._carry_out(lost)
