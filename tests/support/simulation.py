"""A whole exam on imagined time: our Live conversation and the emulator's, with nothing but this file between.

A caller of known samples speaks whenever the examiner has stopped. Every tenth of a second that he speaks has a number,
which its samples and its transcription show, so that a test can follow each to wherever it went. Every event has a time
and happens in order, so an exam of minutes with any number of broken connections takes milliseconds.
"""

import heapq
import itertools
import json
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from google.genai import _live_converters as wire
from google.genai import types

from core.audio.pcm import seconds
from core.events import Event, UtteranceSpoken
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
from core.live.close_codes import classify, classify_refusal, explain, explain_refusal
from core.live.connection import ConnectionPolicy, ConnectionState
from core.live.conversation import LiveConversationMachine
from core.live.messages import EndActivity, InputTranscribed, InTurnText, Outgoing, StartActivity, TextTurn, ToolResult
from core.live.model_facts import model_facts
from core.live.policy import LivePolicy
from core.live.watchdog import WatchdogPolicy
from core.transcript.assembler import TranscriptAssembler
from core.transcript.values import FinishedUtterance
from gemini_live_emulator.protocol import outputs
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.session.conversation import Conversation
from gemini_live_emulator.session.fault_injector import FaultInjector
from gemini_live_emulator.session.resumption import SessionStore
from gemini_live_emulator.speech import ToneSynthesizer
from processors.gemini_live.translate import translate
from support.wire_messages import history_message, wire_messages

RATE = 16000
CHUNK = 0.1
FUNCTION = {"name": "reportScoringResults", "parameters": {"type": "OBJECT", "properties": {}}}
HANDSHAKE = 0.2
WAITS_FOR_THE_REST = 6.0
FIRST = 8001  # the number of the first tenth of a second; as the value of its samples it is loud enough to be speech


def numbers(pcm: bytes) -> list[int]:
    """The numbers of the tenths of a second in this audio: each is full of its own."""
    step = 2 * round(CHUNK * RATE)
    return [int.from_bytes(pcm[at : at + 2], "little") for at in range(0, len(pcm), step)]


def transcription(pcm: bytes) -> str:
    """The transcription of this audio: a word for each tenth of a second, `t8001 t8002`."""
    return " ".join(f"t{number}" for number in numbers(pcm))


def numbers_in_text(text: str) -> list[int]:
    """The numbers of the tenths of a second whose transcription this text has."""
    return [int(number) for number in re.findall(r"\bt(\d+)\b", text)]


@dataclass
class Turn:
    """One answer of the caller: its samples, and what became of it."""

    pcm: bytes
    began: float
    ended: float = 0.0


@dataclass
class Context:
    """What a model has of the call: what it was sent on its connection, and on those that it was resumed from."""

    windows: list[bytes] = field(default_factory=list[bytes])
    texts: list[str] = field(default_factory=list[str])  # history and instructions
    # The caller's windows that the service had received, and not transcribed, when it was connected to last.
    untranscribed: set[int] = field(default_factory=set[int])

    def copy(self) -> "Context":
        """What a handle stands for that is given now."""
        return Context([*self.windows], [*self.texts], {*self.untranscribed})


@dataclass
class Outcome:
    """How a simulated exam went."""

    state: ConnectionState
    ended: float
    turns: list[Turn]
    log: list[Event]
    utterances: list[UtteranceSpoken]
    windows: list[tuple[int, bytes]]  # (connection, samples) of every window a connection closed
    calls: list[str]
    answers: list[str]  # ids of tool results, as connections received them
    discarded: int
    played: list[tuple[float, str]]
    longest_silence: float
    context: Context = field(default_factory=Context)  # of the model on the last connection that was opened
    without_deadline: list[tuple[float, ConnectionState]] = field(default_factory=list[tuple[float, ConnectionState]])

    def of(self, kind: type[Any]) -> list[Any]:
        """The events of one kind."""
        return [event for event in self.log if isinstance(event, kind)]


class Simulation:
    """One exam."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        model: str = "gemini-2.5-flash-native-audio-preview-12-2025",
        policy: LivePolicy | None = None,
        answers: Sequence[float] = (4.0, 3.0, 5.0),
        flush_after: float | None = None,
        limit: float = 600.0,
        silence: float = 0.0,
        flush_at_end: bool = False,
        goes_on: float | None = None,
        at_least: float | None = None,
        interrupts: bool = True,
    ) -> None:
        """`silence` seconds of quiet end every turn, `flush_at_end` with a flush at their start.

        `goes_on`: every answer is given in two halves with so many seconds between them in which the turn is closed.
        `at_least`: what the exam plan expects of an answer. `interrupts`: whether the caller's activity stops the
        model.
        """
        self.now = 0.0
        self._facts = model_facts(model)
        self._model = model
        self._scenario = scenario
        self._sessions = SessionStore(scenario.seed)
        link = ConnectionPolicy(lifetime=self._facts.lifetime)
        self._policy = policy or LivePolicy(link, WatchdogPolicy())
        self.live = LiveConversationMachine(self._policy, frozenset({FUNCTION["name"]}))
        self._transcript = TranscriptAssembler()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._conversation: Conversation | None = None
        self._number = 0
        self._alarm: float | None = None
        self._synthesizer = ToneSynthesizer()
        self._answers = list(answers)
        self._flush_after = flush_after
        self._limit = limit
        self._silence, self._flush_at_end = silence, flush_at_end
        self._goes_on, self._at_least, self._interrupts = goes_on, at_least, interrupts
        self._speaking = False
        self._plays_until = 0.0
        self._quiet_since = 0.0
        self._done = False
        self._cut_at: float | None = None
        self._numbers = itertools.count(FIRST)
        self._context = Context()
        self._handles: dict[str, Context] = {}
        self._transcribed: set[int] = set()
        self._window_open = False
        self._resumed = False  # whether the connection was dialed with a handle
        self._pausing = False  # between the halves of an answer
        self.out = Outcome(ConnectionState.IDLE, 0.0, [], [], [], [], [], [], 0, [], 0.0)

    def run(self) -> Outcome:
        """Hold the exam to its end, or to the time limit."""
        self._do(self.live.start(self.now))
        self._at(0.1, lambda: self._do(self.live.instruct("Begin.", self.now)))
        while self._events and not self._done:
            at, _, happen = heapq.heappop(self._events)
            if at > self._limit:
                break
            self.now = max(self.now, at)
            happen()
        self._finished(self._transcript.finish(self.now))
        if self.live.state in (ConnectionState.LIVE, ConnectionState.DRAINING) and not self._speaking:
            # What a resumed session lacks is sent with the next turn, whatever that is.
            self._do(self.live.instruct("End.", self.now))
        self._do(self.live.close(self.now))
        self.out.state, self.out.ended = self.live.state, self.now
        return self.out

    # --- time

    def _at(self, delay: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + delay, next(self._order), happen))

    def _ring(self) -> None:
        if self._alarm is not None and self.now >= self._alarm:
            self._alarm = None
            self._do(self.live.tick(self.now))

    def _turn_clock(self, conversation: Conversation, deadline: float) -> None:
        if conversation is self._conversation and conversation.deadline() == deadline:
            self._take(conversation, conversation.tick(self.now))

    # --- our side

    def _do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            self._one(action)
        deadline = self.live.deadline()
        passing = self.live.state in (ConnectionState.IDLE, ConnectionState.DEGRADED, ConnectionState.CLOSED)
        if deadline is None and not passing and not (self._speaking or self.live.replying):
            self.out.without_deadline.append((self.now, self.live.state))
        if deadline is not None and deadline != self._alarm:
            self._alarm = deadline
            self._at(max(0.0, deadline - self.now), self._ring)
        elif deadline is None:
            self._alarm = None

    def _one(self, action: Action) -> None:
        match action:
            case Dial():
                self._dial(action)
            case HangUp():
                if self._conversation is not None:
                    self._conversation.lost(self.now)
                self._conversation = None
            case GiveUp():
                self._done = True
            case Transmit(items):
                for item in items:
                    self._send(item)
            case Seed(turns):
                self._context.texts += [text for _, text in turns]
                self._receive(history_message(turns, self._facts))
            case Note(event):
                self.out.log.append(event)
            case CallerFragment(text):
                self._finished(self._transcript.caller_transcribed(text, self.now))
            case WindowClosed(acknowledged):
                self._transcript.window_closed(acknowledged=acknowledged)
            case AudioReplayed(whole):
                self._transcript.audio_replayed(whole=whole)
            case Caption(text):
                self.out.played.append((self.now, text))
                self._finished(self._transcript.examiner_transcribed(text, self.now))
            case Play(pcm, rate):
                self.live.playback_started(self.now)
                self._audio_played()
                self._plays_until = max(self._plays_until, self.now) + seconds(pcm, rate)
            case CutSpeech():
                self._plays_until = self.now
            case EndSpeech():
                until = self._plays_until
                self._at(max(0.0, until - self.now), lambda: self._played(until))
            case ReplyOver(interrupted, played_share):
                self._finished(
                    self._transcript.reply_done(self.now, interrupted=interrupted, played_share=played_share)
                )
                if not interrupted and self._at_least is not None and self._answers:
                    self.live.answer_expected(self._at_least)
                if interrupted and not self._speaking:
                    # Cut off in mid-sentence: a person waits for the rest, and speaks up when none comes.
                    self._cut_at = self.now
                    self._at(WAITS_FOR_THE_REST, self._my_turn)
            case CallTool(id, name, _):
                self.out.calls.append(id)
                self._at(
                    0.05, lambda: self._do(self.live.tool_answered(id, name, {"ok": True}, f"{name}: ok", self.now))
                )
            case BeginSpeech():
                self._cut_at = None
            case Charge():
                pass

    def _audio_played(self) -> None:
        self.out.longest_silence = max(self.out.longest_silence, self.now - self._quiet_since)
        self._quiet_since = self.now

    def _finished(self, finished: list[FinishedUtterance]) -> None:
        self.out.utterances += [one.utterance for one in finished]

    # --- the caller

    def _played(self, until: float) -> None:
        if until != self._plays_until or self._speaking:
            return
        self._quiet_since = self.now
        self._do(self.live.playback_stopped(self.now))
        self._at(0.5, self._my_turn)

    def _my_turn(self) -> None:
        if self._speaking or self._pausing or self.now < self._plays_until or self._done:
            return
        if self._cut_at is not None and self.now < self._cut_at + WAITS_FOR_THE_REST:
            return
        played = " ".join(text for _, text in self.out.played[-40:])
        if "Goodbye" in played or "over. Thank you" in played:
            self._done = True
            return
        if not self._answers:
            self._at(20.0, self._idle)
            return
        length = self._answers.pop(0)
        if self._goes_on is None:
            self._utter(length)
            return
        self._pausing = True
        self._utter(length / 2)
        self._at(length / 2 + self._silence + CHUNK + self._goes_on, lambda: self._go_on(length / 2))

    def _go_on(self, length: float) -> None:
        self._pausing = False
        self._utter(length)

    def _utter(self, length: float) -> None:
        chunks = [self._chunk() for _ in range(round(length / CHUNK))]
        quiet = [self._chunk() for _ in range(round(self._silence / CHUNK))]
        turn = Turn(b"".join(chunks), self.now)
        self.out.turns.append(turn)
        self._speaking = True
        self._finished(self._transcript.caller_started(self.now))
        self._do(self.live.caller_started(self.now))
        for n, chunk in enumerate(chunks + quiet):
            self._at((n + 1) * CHUNK, lambda chunk=chunk: self._do(self.live.caller_audio(chunk, RATE)))
            flush = self._flush_after and (n + 1) % round(self._flush_after / CHUNK) == 0 and n + 1 < len(chunks)
            if flush or (self._flush_at_end and n + 1 == len(chunks)):
                self._at((n + 1) * CHUNK, lambda: self._do(self.live.flush(self.now)))
        self._at((len(chunks + quiet) + 1) * CHUNK, lambda: self._stop(turn, len(chunks) * CHUNK))

    def _idle(self) -> None:
        """Neither side has anything to say any more."""
        if self.now >= self._quiet_since + 20.0 - 1e-6 and not self._speaking:
            self._done = True

    def _stop(self, turn: Turn, voiced: float) -> None:
        self._speaking = False
        self._quiet_since = turn.ended = self.now
        self._finished(self._transcript.caller_stopped(self.now, turn.began + voiced))
        self._do(self.live.caller_stopped(self.now, voiced=voiced, spoke_until=turn.began + voiced))

    def _chunk(self) -> bytes:
        """A tenth of a second that is like no other."""
        number = next(self._numbers)
        return number.to_bytes(2, "little") * round(CHUNK * RATE)

    # --- the service's side

    def _dial(self, dial: Dial) -> None:
        conversation_number = self._sessions.connect()
        faults = FaultInjector(self._scenario.faults, conversation_number, self._scenario.seed, self._sessions.fired)
        number = self._number = dial.number

        def answer() -> None:
            if number != self._number or self.live.state is not ConnectionState.DIALING:
                return
            if (refused := faults.refuse_upgrade()) is not None:
                self._refused(refused.status, refused.message, number)
                return
            conversation = Conversation(self._scenario, self._sessions, self.now, faults=faults, keep_audio=True)
            self._conversation = conversation
            setup: dict[str, Any] = {
                "model": f"models/{self._model}",
                "generationConfig": {"responseModalities": ["AUDIO"]},
                "inputAudioTranscription": {},
                "outputAudioTranscription": {},
                "realtimeInputConfig": {
                    "automaticActivityDetection": {"disabled": True},
                    "activityHandling": "START_OF_ACTIVITY_INTERRUPTS" if self._interrupts else "NO_INTERRUPTION",
                },
                "sessionResumption": {"handle": dial.handle} if dial.handle else {},
                "contextWindowCompression": {"slidingWindow": {}},
                "tools": [{"functionDeclarations": [FUNCTION]}],
            }
            if dial.handle is None and self.out.utterances and self._facts.history == "initial":
                setup["historyConfig"] = {"initialHistoryInClientContent": True}
            self._resumed = dial.handle is not None
            self._context = self._handles.get(dial.handle or "", Context()).copy()
            self._window_open = False
            self._take(conversation, conversation.receive({"setup": setup}, self.now))

        self._at(HANDSHAKE, answer)

    def _send(self, item: Outgoing) -> None:
        match item:
            case StartActivity():
                assert not self._window_open, "a window opens inside another"
                self._window_open = True
            case EndActivity():
                assert self._window_open, "a window closes that is not open"
                self._window_open = False
            case TextTurn() if self._window_open:
                raise AssertionError("a text turn closes the window into which the caller speaks")
            case TextTurn(text) | InTurnText(text):
                self._context.texts.append(text)
            case ToolResult(id):
                self.out.answers.append(id)
            case _:
                pass
        for message in wire_messages(item, self._facts):
            self._receive(message)

    def _receive(self, message: dict[str, Any]) -> None:
        if self._conversation is not None:
            conversation = self._conversation
            self._take(conversation, conversation.receive(message, self.now))

    def _take(self, conversation: Conversation, produced: Sequence[outputs.Output]) -> None:
        for output in produced:
            match output:
                case outputs.Send(message):
                    number = self._number
                    self._at(0.01, lambda m=message, n=number, c=conversation: self._deliver(m, n, c))
                case outputs.Close(code, reason):
                    self._end(conversation, code, reason)
                case outputs.Drop():
                    self._end(conversation, 1006, "")
                case outputs.Speak(id, text):
                    pcm = self._synthesizer.synthesize(text)
                    self._at(
                        0.02, lambda i=id, p=pcm: self._take(conversation, conversation.synthesized(i, p, self.now))
                    )
                case outputs.Listen(id, pcm):
                    # At once: the service goes on to what it was sent next with the words of this.
                    self._take(conversation, conversation.transcribed(id, transcription(pcm), self.now))
                case outputs.Note(what, details):
                    self._note(conversation, what, details)
                case outputs.SendRaw(frame):
                    with suppress(ValueError):
                        number, message = self._number, json.loads(frame)
                        self._at(0.01, lambda m=message, n=number, c=conversation: self._deliver(m, n, c))
        if (deadline := conversation.deadline()) is not None:
            self._at(max(0.0, deadline - self.now), lambda: self._turn_clock(conversation, deadline))

    def _deliver(self, message: dict[str, Any], number: int, conversation: Conversation) -> None:
        if conversation is not self._conversation or number != self._number:
            return
        if "setupComplete" in message:
            received = {number for _, window in self.out.windows for number in numbers(window)}
            self._context.untranscribed |= received - self._transcribed
            self.out.context = self._context
            utterances = sorted(self.out.utterances, key=lambda u: u.started)
            self._do(self.live.opened(HANDSHAKE, None, utterances, self._resumed, self.now))
            return
        if self.live.state is ConnectionState.DIALING:
            return
        parsed = types.LiveServerMessage.model_validate(wire._LiveServerMessage_from_mldev(message))
        for incoming in translate(parsed):
            if isinstance(incoming, InputTranscribed):
                self._transcribed.update(numbers_in_text(incoming.text))
            self._do(self.live.on_server_message(incoming, number, self.now))

    def _end(self, conversation: Conversation, code: int, reason: str) -> None:
        conversation.lost(self.now)
        number = self._number

        def lost() -> None:
            if conversation is self._conversation:
                self._conversation = None
                self._lost(code, reason[:123], number)

        # What was sent before the close arrives before it.
        self._at(0.01, lost)

    def _lost(self, code: int, reason: str, number: int) -> None:
        self._do(self.live.lost(code, reason, classify(code, reason), explain(code, reason), number, self.now))

    def _refused(self, status: int, answer: str, number: int) -> None:
        action, meaning = classify_refusal(status, answer), explain_refusal(status, answer)
        self._do(self.live.lost(status, f"HTTP {status}", action, meaning, number, self.now))

    def _note(self, conversation: Conversation, what: str, details: dict[str, Any]) -> None:
        if what == "window.closed":
            window = b64decode(details["pcm"])
            self.out.windows.append((conversation.connection, window))
            self._context.windows.append(window)
        elif what == "handle.given":
            self._handles[details["handle"]] = self._context.copy()
        elif what == "audio.discarded":
            self.out.discarded += details["samples"]
