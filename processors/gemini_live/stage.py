"""Frames -> connection, events -> frames, LinkMachine between."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, assert_never

from loguru import logger
from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    CancelFrame,
    ClientConnectedFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
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

from core import events, service
from core.closes import Verdict
from core.link import Dial, GiveUp, HangUp, LinkAction, LinkMachine, LinkPolicy, LinkState, Unanswered
from core.pcm import seconds
from core.ports import Session
from core.usage import AUDIO_TOKENS_PER_SECOND, fill_in
from processors.frames import (
    FlushFrame,
    LinkDownFrame,
    NudgeFrame,
    ReplyDoneFrame,
    ToolAnswerFrame,
    ToolCallFrame,
)
from processors.gemini_live.connection import Connection, Lost
from processors.gemini_live.settings import GeminiLiveSettings, client, connect_config
from processors.gemini_live.text import ask
from processors.stage import Stage

LIVE = (LinkState.LIVE, LinkState.DRAINING)


class GeminiLive(Stage[GeminiLiveSettings]):
    """The examiner: hears the caller's turns, speaks, calls functions."""

    Settings = GeminiLiveSettings

    def __init__(self, settings: GeminiLiveSettings, session: Session) -> None:
        super().__init__(settings, session)
        self._client = client(settings)
        self._link = LinkMachine(LinkPolicy(settings.backoff, settings.dial_timeout, resume=settings.resumption))
        self._connection: Connection | None = None
        self._holding: asyncio.Task[None] | None = None
        self._unanswered = Unanswered()
        self._caller_speaking = False
        self._replying = False  # something of the current reply has gone downstream
        self._generated = False  # ... and all of it has
        self._calls: dict[str, Connection] = {}  # functions the model waits for
        self._held: list[service.Outgoing] = []  # what must not reach the model while it waits
        self._resumable: bool | None = None
        self._concluding = False
        self._answered = asyncio.Event()
        self._audio_in = self._audio_out = 0.0  # seconds; the audio the context holds
        self._reply_audio = 0.0

    async def setup(self, setup: FrameProcessorSetup) -> None:
        await super().setup(setup)
        await self._carry_out(self._link.start(self.session.now()))

    async def cleanup(self) -> None:
        await self._carry_out(self._link.close(self.session.now()))
        await super().cleanup()

    async def woken(self, now: float) -> None:
        await self._carry_out(self._link.tick(now))

    async def ask(self, prompt: str, schema: dict[str, Any]) -> dict[str, Any] | None:
        if self.settings.text_model is None:
            return None
        answer, counts = await ask(self._client, self.settings, prompt, schema)
        self.session.charge(self.settings.text_model, fill_in(counts, 0, 0))
        return answer

    async def conclude(self) -> None:
        """Wait for the text of the caller's last words, which the service sends only after they are finished."""
        self._concluding = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.last_words):
                while self._link.state in LIVE and (self._caller_speaking or self._unanswered.pending):
                    self._answered.clear()
                    await self._answered.wait()

    # --- from the pipeline

    async def handle(self, frame: Frame, direction: FrameDirection) -> None:
        match frame:
            case InputAudioRawFrame():
                if self._caller_speaking:
                    self._audio_in += seconds(frame.audio, frame.sample_rate)
                    self._say(service.Audio(frame.audio, frame.sample_rate))
                return
            case FlushFrame():
                self._say(service.EndActivity(), service.StartActivity())
                return
            case NudgeFrame(text=text):
                self._say(service.Text(text))
                return
            case ToolAnswerFrame():
                self._answer(frame)
                return
            case ClientConnectedFrame():
                self._say(service.Text(self.settings.opening))
            case UserStartedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                self._caller_speaking = True
                await self._cut_reply()
                self._say(service.StartActivity())
            case UserStoppedSpeakingFrame() if direction is FrameDirection.DOWNSTREAM:
                self._caller_speaking = False
                self._say(service.EndActivity())
            case BotStoppedSpeakingFrame() if self._generated:
                # Played to its end; whatever comes now does not interrupt it.
                await self._finish_reply(interrupted=False)
            case EndFrame() | CancelFrame():
                await self._carry_out(self._link.close(self.session.now()))
            case _:
                pass
        await self.push_frame(frame, direction)

    def _say(self, *items: service.Outgoing) -> None:
        """Send now, or as soon as there is a connection that may take it. Never waits."""
        if self._calls:
            # Input during a pending call ends the connection on 2.5 (discuss.ai.google.dev/t/114644).
            self._held += items
            return
        for item in items:
            self._unanswered.sent(item)
        if self._link.state in LIVE and self._connection is not None:
            self._connection.send(*items)

    def _answer(self, frame: ToolAnswerFrame) -> None:
        asked_by = self._calls.pop(frame.call_id, None)
        self.session.record(events.ToolAnswered(self.session.now(), frame.call_id, frame.function))
        if asked_by is not None and asked_by is self._connection and self._link.state in LIVE:
            asked_by.send(service.ToolResult(frame.call_id, frame.function, frame.result))
        else:
            # A resumed session does not know the call; it would ignore the result (pipecat-ai/pipecat#5497).
            self._say(service.Text(f"The result of {frame.function} is: {json.dumps(frame.result)}"))
        self._release()

    def _release(self) -> None:
        if not self._calls and self._held:
            held, self._held = self._held, []
            self._say(*held)

    # --- the link

    async def _carry_out(self, actions: list[LinkAction]) -> None:
        for action in actions:
            match action:
                case Dial():
                    self._holding = self.create_task(self._hold(action), name="live connection")
                case HangUp():
                    await self._hang_up()
                case GiveUp(why):
                    self.session.record(events.LinkGaveUp(self.session.now(), why))
                    await self.push_frame(LinkDownFrame(why=why))
                    self.session.finish("link given up", why)
                case _:
                    assert_never(action)
        self.wake_at(self._link.deadline())

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        holding, self._holding = self._holding, None
        if connection is not None:
            await connection.close()
        if holding is not None and holding is not asyncio.current_task():
            await self.cancel_task(holding)

    async def _hold(self, dial: Dial) -> None:
        """One connection from dialing to its end."""
        dialed = self.session.now()
        self.session.record(events.LinkDialed(dialed, dial.attempt, dial.handle is not None))
        connection = Connection(self._client, self.settings.model, text_as_content=self.settings.sends_content)
        self._connection = connection
        try:
            config = connect_config(self.settings, self.session.tools, dial.handle)
            await connection.open(config, self.settings.dial_timeout)
            now = self.session.now()
            self.session.record(events.LinkOpened(now, now - dialed, connection.service_session))
            await self._carry_out(self._link.opened(now))
            connection.send(*self._unanswered.again())
            async for event in connection.events():
                if connection is not self._connection:
                    return  # hung up while this event was on its way
                await self._take(event, connection)
        except Lost as end:
            await connection.close()
            if connection is self._connection:
                await self._lost(end)

    async def _lost(self, end: Lost) -> None:
        now = self.session.now()
        self._connection = None
        self.session.record(events.LinkLost(now, end.code, end.reason, end.verdict.value))
        level = "ERROR" if end.verdict is Verdict.GIVE_UP else "WARNING"
        logger.log(level, f"Live link lost ({end.code} {end.reason!r}): {end.meaning} Next: {end.verdict.value}.")
        await self._finish_reply(interrupted=True)
        self._calls.clear()
        self._release()
        await self._carry_out(self._link.lost(end.verdict, end.meaning, now))

    # --- from the service

    async def _take(self, event: service.Incoming, connection: Connection) -> None:
        # After the call has ended nobody hears a reply, so it was not said.
        muted = self._concluding or (self._caller_speaking and self.settings.hold_while_speaking)
        match event:
            case service.AudioSpoken(pcm, rate):
                self._audio_out += seconds(pcm, rate)
                self._reply_audio += seconds(pcm, rate)
                if not muted:
                    await self._begin_reply()
                    await self.push_frame(TTSAudioRawFrame(pcm, rate, 1))
            case service.TextSpoken(text):
                if not muted:
                    await self._begin_reply()
                    spoken = TTSTextFrame(text, TextType.WORD)
                    spoken.includes_inter_frame_spaces = True
                    await self.push_frame(spoken)
            case service.TextHeard(text):
                heard_at = datetime.now(UTC).isoformat()
                await self.push_frame(TranscriptionFrame(text, "caller", heard_at))
            case service.GenerationDone():
                self._settle()
                self._generated = self._replying
                if self._replying:
                    await self.push_frame(TTSStoppedFrame())
            case service.Interrupted():
                self._settle()
                if self._replying:
                    await self.broadcast_interruption()
                    await self._finish_reply(interrupted=True)
            case service.TurnDone():
                self._settle()
                await self._finish_reply(interrupted=False)
                if not self._caller_speaking and not self._calls:
                    await self._carry_out(self._link.quiet(self.session.now()))
            case service.ToolAsked(id, name, args):
                await self._call(id, name, args, connection)
            case service.ToolsCancelled(ids):
                for id in ids:
                    self._calls.pop(id, None)
                self._release()
            case service.GoingAway(time_left):
                now = self.session.now()
                self.session.record(events.GoAwayReceived(now, time_left))
                await self._carry_out(self._link.go_away(time_left, now))
            case service.HandleGiven(handle):
                self._link.handle(handle)
                if (resumable := handle is not None) != self._resumable:
                    self._resumable = resumable
                    self.session.record(events.HandleReceived(self.session.now(), resumable))
            case service.UsageSeen(counts):
                context = (self._audio_in + self._audio_out) * AUDIO_TOKENS_PER_SECOND
                reply = self._reply_audio * AUDIO_TOKENS_PER_SECOND
                self._reply_audio = 0.0
                self.session.charge(self.settings.model, fill_in(counts, round(context), round(reply)))
            case _:
                assert_never(event)

    def _settle(self) -> None:
        self._unanswered.answered()
        self._answered.set()

    async def _call(self, id: str, name: str, args: dict[str, object], connection: Connection) -> None:
        self.session.record(events.ToolCalled(self.session.now(), id, name, args))
        if name not in {tool["name"] for tool in self.session.tools}:
            error = {"error": f"there is no function {name}"}
            connection.send(service.ToolResult(id, name, error))
            return
        self._calls[id] = connection  # before anyone is told: from here on nothing else is sent
        await self.push_frame(ToolCallFrame(call_id=id, function=name, args=args))

    # --- replies

    async def _begin_reply(self) -> None:
        if not self._replying:
            self._replying, self._generated = True, False
            await self.push_frame(TTSStartedFrame())

    async def _cut_reply(self) -> None:
        """The caller speaks over the reply."""
        await self._finish_reply(interrupted=True)

    async def _finish_reply(self, *, interrupted: bool) -> None:
        if self._replying:
            if not self._generated:
                await self.push_frame(TTSStoppedFrame())
            self._replying = self._generated = False
            await self.push_frame(ReplyDoneFrame(interrupted=interrupted))
