"""A conversation on imagined time: a fourteen-minute exam in a second, for tests and benches."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, assert_never

from gemini_live_emulator.faults.rewrites import names
from gemini_live_emulator.protocol.outputs import Close, Drop, Listen, Note, Output, Send, SendRaw, Speak
from gemini_live_emulator.protocol.wire import Json, base64_of
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.session.conversation import Conversation, SetupCheck
from gemini_live_emulator.session.resumption import SessionStore
from gemini_live_emulator.speech import DescribingTranscriber, Synthesizer, ToneSynthesizer, Transcriber

MODEL: Final = "models/gemini-2.5-flash-native-audio-preview-12-2025"
MANUAL: Final[Json] = {"automaticActivityDetection": {"disabled": True}}
# One loud and one silent tenth of a second at 16 kHz; the loud one is a 200 Hz square wave.
LOUD: Final = (b"\x00\x10" * 40 + b"\x00\xf0" * 40) * 20
SILENT: Final = bytes(3_200)


@dataclass(frozen=True, slots=True)
class Seen:
    """A message from the server, and when it came."""

    at: float
    message: Json

    @property
    def names(self) -> set[str]:
        """What it carries."""
        return names(self.message)


@dataclass
class SimulatedClient:
    """Plays the client of one connection, and carries out what the conversation decides."""

    scenario: Scenario = field(default_factory=lambda: Scenario.load("scripted"))
    sessions: SessionStore | None = None
    now: float = 0.0
    version: str = "v1beta"
    vertex: bool = False
    check_setup: SetupCheck | None = None
    transcriber: Transcriber = field(default_factory=DescribingTranscriber)
    synthesizer: Synthesizer = field(default_factory=ToneSynthesizer)

    def __post_init__(self) -> None:
        self.seen: list[Seen] = []
        self.raw: list[str | bytes] = []
        self.notes: list[Note] = []
        self.closed: Close | Drop | None = None
        if self.sessions is None:
            self.sessions = SessionStore(self.scenario.seed)
        self.conversation = Conversation(
            self.scenario,
            self.sessions,
            self.now,
            version=self.version,
            vertex=self.vertex,
            check_setup=self.check_setup,
        )

    def set_up(self, model: str = MODEL, manual: bool = True, **setup: Any) -> SimulatedClient:
        """Send a setup message."""
        whole: Json = {"model": model, "generationConfig": {"responseModalities": ["AUDIO"]}} | setup
        if manual:
            whole.setdefault("realtimeInputConfig", MANUAL)
        self.send({"setup": whole})
        return self

    def send(self, message: Json | str | bytes) -> list[Seen]:
        """Send a message; give what came back at once."""
        return self._do(self.conversation.receive(message, self.now))

    def realtime(self, **fields: Any) -> list[Seen]:
        """Send a realtimeInput."""
        return self.send({"realtimeInput": fields})

    def audio(self, pcm: bytes, rate: int = 16_000) -> list[Seen]:
        """Send a chunk of audio."""
        blob = {"data": base64_of(pcm), "mimeType": f"audio/pcm;rate={rate}"}
        return self.realtime(audio=blob)

    def begin(self, text: str = "Begin.") -> list[Seen]:
        """Send a finished user turn of text."""
        turns = [{"role": "user", "parts": [{"text": text}]}]
        return self.send({"clientContent": {"turns": turns, "turnComplete": True}})

    def stream(self, seconds: float, chunk: bytes = LOUD) -> list[Seen]:
        """Send audio in real time, a tenth of a second at a time."""
        start = len(self.seen)
        for _ in range(round(seconds * 10)):
            self.audio(chunk)
            self.wait(0.1)
        return self.seen[start:]

    def say(self, seconds: float, chunk: bytes = LOUD) -> list[Seen]:
        """Speak for a while in a window of its own."""
        start = len(self.seen)
        self.realtime(activityStart={})
        self.stream(seconds, chunk)
        self.realtime(activityEnd={})
        return self.seen[start:]

    def wait(self, seconds: float) -> list[Seen]:
        """Let time pass."""
        start, end = len(self.seen), self.now + seconds
        while (at := self.conversation.deadline()) is not None and at <= end:
            self.now = max(self.now, at)
            self._do(self.conversation.tick(self.now))
        self.now = end
        return self.seen[start:]

    def until(self, name: str, limit: float = 120.0) -> Seen:
        """Let time pass until a message carries this name."""
        start, end = len(self.seen), self.now + limit
        while True:
            for seen in self.seen[start:]:
                if name in seen.names:
                    return seen
            start = len(self.seen)
            at = self.conversation.deadline()
            if at is None or at > end:
                raise TimeoutError(f"no {name} within {limit} s; closed: {self.closed}")
            self.now = max(self.now, at)
            self._do(self.conversation.tick(self.now))

    def turn(self, limit: float = 120.0) -> list[Seen]:
        """Let time pass until the model's turn is complete; give what came."""
        start = len(self.seen)
        self.until("turnComplete", limit)
        return self.seen[start:]

    def leave(self) -> None:
        """Close the connection from the client's side."""
        self._do(self.conversation.lost(self.now))

    def carrying(self, name: str) -> list[Seen]:
        """Give all messages that carry a name."""
        return [seen for seen in self.seen if name in seen.names]

    def content(self, name: str) -> list[Any]:
        """Give the values of a field of serverContent."""
        return [seen.message["serverContent"][name] for seen in self.carrying(name)]

    def text(self, name: str = "outputTranscription") -> str:
        """Join a transcription."""
        return "".join(part["text"] for part in self.content(name)).strip()

    def handle(self) -> str:
        """Give the last handle that can be resumed."""
        updates = [seen.message["sessionResumptionUpdate"] for seen in self.carrying("sessionResumptionUpdate")]
        return str([update["newHandle"] for update in updates if update["resumable"]][-1])

    def events(self, what: str) -> list[Json]:
        """Return the fields of all truth-file events of one kind."""
        return [note.fields for note in self.notes if note.what == what]

    def _do(self, outputs: list[Output]) -> list[Seen]:
        start = len(self.seen)
        for output in outputs:
            match output:
                case Send(message):
                    self.seen.append(Seen(self.now, message))
                case SendRaw(frame):
                    self.raw.append(frame)
                case Close() | Drop():
                    self.closed = output
                case Listen(number, pcm):
                    self._do(self.conversation.transcribed(number, self.transcriber.transcribe(pcm), self.now))
                case Speak(number, text):
                    self._do(self.conversation.synthesized(number, self.synthesizer.synthesize(text), self.now))
                case Note():
                    self.notes.append(output)
                case _:
                    assert_never(output)
        return self.seen[start:]
