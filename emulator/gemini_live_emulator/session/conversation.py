"""The protocol without a socket: client message and time in, things to do out."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from gemini_live_emulator.protocol import wire
from gemini_live_emulator.protocol.outputs import Close, Drop, Note, Output, Send
from gemini_live_emulator.protocol.wire import INVALID_ARGUMENT, Json, Refused
from gemini_live_emulator.scenario import Scenario, Wire
from gemini_live_emulator.session.examiner import Examiner
from gemini_live_emulator.session.fault_injector import FaultInjector
from gemini_live_emulator.session.lifetime import ConnectionLifetime, HandleSchedule
from gemini_live_emulator.session.resumption import SessionStore, Snapshot
from gemini_live_emulator.session.setup import SessionConfig, accept_setup, history_text, text_of
from gemini_live_emulator.session.speaker import Speaker
from gemini_live_emulator.session.transcription import InputTranscriber
from gemini_live_emulator.session.usage import Context, Entry
from gemini_live_emulator.session.user_audio import UserAudio

ORDER = "setup must be the first message and only the first"
AUTOMATIC = "Explicit activity control is not supported when automatic activity detection is enabled."

# Checks the credentials that came with a setup, and may lock parts of it.
SetupCheck = Callable[[Json, float], Json]


class Conversation:
    """One connection of one client, decided without I/O."""

    def __init__(
        self,
        scenario: Scenario,
        sessions: SessionStore,
        now: float,
        *,
        version: str = "v1beta",
        vertex: bool = False,
        check_setup: SetupCheck | None = None,
        faults: FaultInjector | None = None,
        keep_audio: bool = False,
    ) -> None:
        if faults is None:
            faults = FaultInjector(scenario.faults, sessions.connect(), scenario.seed, sessions.fired)
        self.connection = faults.connection
        self._dice = Random(f"{scenario.seed} {self.connection}")
        self._faults = faults
        self._scenario = self._faults.patched(scenario)
        self._sessions = sessions
        self._version, self._vertex = version, vertex
        self._check_setup = check_setup
        self._keep_audio = keep_audio
        self._setup_by = now + self._scenario.wire.setup_limit
        self._over = self._left = False
        self._session: str | None = None
        self._history = False
        self._messages = 0

    # What comes in

    def receive(self, frame: str | bytes | Json, now: float) -> list[Output]:
        """Take a frame of the client."""
        if self._over:
            return []
        self._messages += 1
        try:
            message = wire.read(frame, "ClientMessage") if isinstance(frame, dict) else wire.decode(frame)
            out = self._receive(message, now)
            return self._finish([*out, *self._step(now)], now, message)
        except Refused as refused:
            return self._finish([Close(refused.code, refused.reason)], now)

    def transcribed(self, piece: int, text: str, now: float) -> list[Output]:
        """Take the transcript of a chunk that `Listen` asked for."""
        if self._over:
            return []
        self._transcriber.transcribed(piece, text, now)
        return [Note("heard", {"piece": piece, "text": text}), *self.tick(now)]

    def synthesized(self, sentence: int, pcm: bytes, now: float) -> list[Output]:
        """Take the audio of a sentence that `Speak` asked for."""
        if self._over:
            return []
        self._speaker.synthesized(sentence, pcm)
        return self.tick(now)

    def tick(self, now: float) -> list[Output]:
        """Do what is due."""
        if self._over:
            return []
        try:
            return self._finish(self._step(now), now)
        except Refused as refused:
            return self._finish([Close(refused.code, refused.reason)], now)

    def lost(self, now: float) -> list[Output]:
        """Take note that the connection is gone; return what is still to be logged."""
        self._over = True
        if self._session is None or self._left:
            return []
        self._left = True
        self._sessions.leave(self._session, self.connection, now)
        return self._audio.abandon()

    def deadline(self) -> float | None:
        """Say when to call `tick`."""
        if self._over:
            return None
        times = [self._faults.deadline()]
        if self._session is None:
            times.append(self._setup_by)
        else:
            times += [
                self._lifetime.deadline(),
                self._handles.next_at,
                self._transcriber.deadline(),
                self._speaker.deadline(self._transcriber.waiting),
            ]
        return min((at for at in times if at is not None), default=None)

    @property
    def wire(self) -> Wire:
        """The habits of this connection's transport."""
        return self._scenario.wire

    # What each message does

    def _receive(self, message: Json, now: float) -> list[Output]:
        if ("setup" in message) == (self._session is not None) or len(message) != 1:
            raise Refused(1007, ORDER if len(message) == 1 else INVALID_ARGUMENT)
        match message:
            case {"setup": setup}:
                return self._set_up(setup, now)
            case {"realtimeInput": realtime}:
                return self._realtime(realtime, now)
            case {"clientContent": content}:
                return self._content(content, now)
            case {"toolResponse": response}:
                answers: list[Json] = response.get("functionResponses", [])
                note = Note("tool.answered", {"responses": answers})
                return [note, *self._speaker.answered(answers, now)]
            case _:
                self._config = self._speaker.config = self._config.updated(message["contextUpdate"])
                self._examiner.functions = self._config.functions
                self._speaker.context = self._speaker.context.with_system(self._config.preamble())
                return []

    def _set_up(self, setup: Json, now: float) -> list[Output]:
        if self._check_setup is not None:
            # A bad key is refused after the setup, not at the handshake.
            setup = self._check_setup(setup, now)
        scenario = self._scenario
        config = accept_setup(setup, scenario, self._version, self._vertex)
        if scenario.sessions is not None and self._sessions.open >= scenario.sessions:
            # GoogleCloudPlatform/generative-ai issue 1576.
            raise Refused(1011, "generic::resource_exhausted: Maximum concurrent sessions reached")
        self._faults.check_setup(config.handle is not None)
        examiner = Examiner(scenario.examiner, self._dice, config.functions)
        context = Context(scenario.usage)
        if config.handle is None:
            self._session = self._sessions.begin(self.connection, now, scenario.resumption)
        else:
            snapshot = self._sessions.resume(config.handle, config.name, self.connection, now, scenario.resumption)
            self._session, context = snapshot.session, snapshot.context
            if not scenario.examiner.forgets:
                examiner.progress = snapshot.progress
        self._config: SessionConfig = config
        self._examiner = examiner
        self._history = config.history_first
        self._begun = False
        plan = scenario.examiner
        model, rules = config.model, scenario.transcription
        self._transcriber = InputTranscriber(
            rules if model.stalls else rules.model_copy(update={"stall_after": None}),
            model.transcription,
            plan.kind == "speaking",
            plan.words_per_second,
            model.final_after,
        )
        context = context.with_system(config.preamble())
        self._speaker = Speaker(scenario, config, examiner, context, self._dice, self._transcriber.take)
        self._audio = UserAudio(config, self._transcriber, self._speaker, scenario.usage.image, self._keep_audio)
        self._lifetime = ConnectionLifetime(config, now, now - self._sessions.spent(self._session))
        self._handles = HandleSchedule(config, scenario.resumption)
        if model.answers:
            self._expect()
        else:
            self._transcriber.expect_each(plan.heard)
        complete: Json = {"sessionId": self._session} if scenario.wire.session_id else {}
        fields = {"session": self._session, "resumed": config.handle is not None, "setup": setup}
        out: list[Output] = [Send({"setupComplete": complete}), Note("setup", fields)]
        if config.resumption:
            self._handles.start(now)
            out += self._update(resumable=True)
        return out

    def _realtime(self, realtime: Json, now: float) -> list[Output]:
        config = self._config
        if self._history:
            # The history ends with turnComplete; realtime input before it ends it too.
            self._history = False
        self._begun = True
        out: list[Output] = []
        activity = "activityStart" in realtime or "activityEnd" in realtime
        if activity and not config.manual:
            raise Refused(1007, AUTOMATIC)
        if "mediaChunks" in realtime and not config.model.media_chunks:
            # google/adk-python 5076.
            raise Refused(1007, INVALID_ARGUMENT)
        if config.vertex and "text" in realtime:
            raise Refused(1007, INVALID_ARGUMENT)
        if "activityStart" in realtime:
            out += self._audio.open(now)
        for blob in [
            *realtime.get("mediaChunks", ()),
            realtime.get("audio"),
            realtime.get("video"),
        ]:
            if blob is not None:
                out += self._audio.media(blob, now)
        if "text" in realtime:
            out += self._text(realtime["text"], now)
        if "activityEnd" in realtime:
            out += self._audio.close(now)
        if realtime.get("audioStreamEnd"):
            out += self._audio.end_stream(now)
        return out

    def _text(self, text: str, now: float) -> list[Output]:
        # Realtime text counts as activity and is answered as a finished turn, unless manual
        # activity brackets it (livekit/agents-js 1724).
        out = self._interrupt(now) if self._config.interrupts else []
        self._say(text)
        asked = self._examiner.progress.asked
        self._examiner.continue_after([text])
        if self._examiner.progress.asked != asked:
            self._expect()
        if not self._transcriber.is_open:
            self._speaker.ask(now)
        return out

    def _content(self, content: Json, now: float) -> list[Output]:
        config, turns = self._config, content.get("turns", [])
        done = bool(content.get("turnComplete"))
        if not config.model.content_later and not (self._history and not self._begun):
            # livekit/agents 5985: from 3.1 on, only as the initial history.
            raise Refused(1007, INVALID_ARGUMENT)
        out = self._interrupt(now)
        speaker = self._speaker
        for turn in turns:
            text, model = text_of(turn), turn.get("role") == "model"
            tokens = speaker.context.text_tokens(text)
            entry = Entry("model" if model else "user", "TEXT", tokens, text, opens=not model)
            speaker.context = speaker.context.add(entry)
        self._examiner.continue_after([text_of(turn) for turn in turns])
        self._expect()
        if self._history:
            # Added to the context without a reply of the model (python-genai types.py, HistoryConfig).
            self._history = not done
            return out
        self._begun = True
        self._transcriber.note(history_text(turns))
        if done:
            speaker.ask(now)
        return out

    # Common steps

    def _say(self, text: str) -> None:
        tokens = self._speaker.context.text_tokens(text)
        entry = Entry("user", "TEXT", tokens, text, opens=True)
        self._speaker.context = self._speaker.context.add(entry)
        self._transcriber.note(text)

    def _interrupt(self, now: float) -> list[Output]:
        return self._speaker.interrupt(now)

    def _expect(self) -> None:
        heard, asked = self._scenario.examiner.heard, self._examiner.progress.asked
        self._transcriber.expect(heard[asked - 1] if 1 <= asked <= len(heard) else None)

    def _update(self, resumable: bool) -> list[Output]:
        if not resumable or self._session is None:
            return [Send({"sessionResumptionUpdate": {"newHandle": "", "resumable": False}})]
        snapshot = Snapshot(self._session, self._config.name, self._examiner.progress, self._speaker.context)
        update: Json = {"newHandle": self._sessions.issue(snapshot), "resumable": True}
        if self._config.transparent:
            # The setup is message 0, and int64 is a string in proto-JSON.
            update["lastConsumedClientMessageIndex"] = str(self._messages - 1)
        # A resume brings back what the model knew at this moment, and no window that closed later.
        # The note comes first: a fault at this message may end the connection right behind it.
        return [Note("handle.given", {"handle": update["newHandle"]}), Send({"sessionResumptionUpdate": update})]

    def _step(self, now: float) -> list[Output]:
        if self._session is None:
            if now >= self._setup_by:
                return [Close(1008, "The operation was aborted.")]
            return []
        asked = self._examiner.progress.asked
        out = self._transcribe(now)
        out += self._speaker.step(now, self._transcriber.waiting)
        if self._examiner.progress.asked != asked:
            self._expect()
        busy = self._speaker.busy or bool(self._speaker.pending)
        resumable = self._handles.wanted(busy, now)
        if resumable is not None:
            out += self._update(resumable)
        return out + self._lifetime.step(now)

    def _transcribe(self, now: float) -> list[Output]:
        out: list[Output] = []
        for transcript in self._transcriber.due(now):
            if not self._config.transcribe_input:
                continue
            name = "interimInputTranscription" if transcript.interim else "inputTranscription"
            out.append(Send({"serverContent": {name: {"text": transcript.text}}}))
            if not transcript.interim and not self._config.model.answers:
                # This model gives no reply that would read the words, and this is all there is to its turn.
                self._transcriber.take()
                out.append(Send({"serverContent": {"generationComplete": True}}))
        return out

    def _finish(self, out: list[Output], now: float, message: Json | None = None) -> list[Output]:
        out = self._faults.filter(out, now, message)
        for i, output in enumerate(out):
            if isinstance(output, (Close, Drop)):
                return [*out[:i], *self.lost(now), output]
        return out
