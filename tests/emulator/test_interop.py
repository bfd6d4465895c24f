"""Every message parses with the SDK's own types, and no order of messages upsets a conversation."""

import math
from typing import Any

import pytest
from google.genai import _live_converters as converters
from google.genai import types
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.protocol.model_facts import MODELS
from gemini_live_emulator.protocol.outputs import Close
from gemini_live_emulator.protocol.schema import ENUMS, MESSAGES
from gemini_live_emulator.protocol.wire import Json, base64_of
from gemini_live_emulator.scenario import Scenario, names
from gemini_live_emulator.session.simulated_client import LOUD, MANUAL, SILENT, SimulatedClient
from gemini_live_emulator.speech import SYNTHESIZER_RATE, resample, shared_synthesizer, shared_transcriber
from support.clips import READ
from support.word_recall import recall

TOOLS = [
    {"functionDeclarations": [{"name": "report_score", "parameters": {"properties": {"overall": {"type": "NUMBER"}}}}]}
]
TRANSCRIBE: dict[str, Any] = {
    "generationConfig": {"responseModalities": ["TEXT"]},
    "inputAudioTranscription": {"languageAuto": {}, "mode": "VERBATIM", "adaptationPhrases": ["oatmilk"]},
}
LOW = {"thinkingConfig": {"thinkingLevel": "LOW"}}
# These send what no SDK knows, on purpose.
STRANGE = {"extra_fields", "unknown_only", "error_message"}


def parse(message: Json, vertex: bool = False) -> types.LiveServerMessage:
    """Parse a message with nothing unknown left over: the SDK's models forbid extra names."""
    convert = converters._LiveServerMessage_from_vertex if vertex else converters._LiveServerMessage_from_mldev
    known = convert(message)
    assert len(known) == len(message)
    return types.LiveServerMessage.model_validate(known)


def exam(
    scenario: Scenario, model: str, engines: dict[str, Any] | None = None, answer: bytes = LOUD * 10, **setup: Any
) -> SimulatedClient:
    it = SimulatedClient(scenario, vertex=setup.pop("vertex", False), **(engines or {}))
    setup |= {"inputAudioTranscription": {}, "outputAudioTranscription": {}, "sessionResumption": {}, "tools": TOOLS}
    if MODELS[model].thinking == "level required":
        setup["generationConfig"] = {"responseModalities": ["AUDIO"]} | LOW
    it.set_up(f"models/{model}", **setup)
    if MODELS[model].content_later:
        it.begin()
    else:
        it.realtime(text="Begin.")
    for _ in range(5):
        it.wait(12)
        for call in [c for seen in it.carrying("toolCall") for c in seen.message["toolCall"]["functionCalls"]]:
            response = {"name": call["name"], "response": {"ok": True}} | ({"id": call["id"]} if "id" in call else {})
            it.send({"toolResponse": {"functionResponses": [response]}})
            it.wait(2)  # 2.5 has ended its turn, and begins one more with the result
        it.realtime(activityStart={})
        for start in range(0, len(answer), len(LOUD)):
            it.audio(answer[start : start + len(LOUD)])
            it.wait(0.1)
        it.realtime(activityEnd={})
        it.realtime(activityStart={})
        it.realtime(activityEnd={})
    it.wait(1000)
    return it


@pytest.mark.parametrize("model", [name for name, model in MODELS.items() if model.answers])
def test_every_message_of_every_model_parses(model: str) -> None:
    seen = exam(Scenario.load("scripted"), model).seen
    carried: set[str] = set().union(*(one.names for one in seen))
    assert {"setupComplete", "toolCall", "goAway", "usageMetadata", "interrupted"} <= carried
    for one in seen:
        parse(one.message)


@pytest.mark.parametrize("vertex", [False, True])
def test_every_message_of_a_model_that_only_transcribes_parses(vertex: bool) -> None:
    it = SimulatedClient(Scenario.load("scripted").changed(examiner={"words_per_second": 2.5}), vertex=vertex)
    it.set_up("models/gemini-3.5-transcribe-live", **TRANSCRIBE, sessionResumption={})
    for _ in range(3):
        it.say(3)
        it.wait(1)
    it.wait(1000)
    carried: set[str] = set().union(*(one.names for one in it.seen))
    assert carried == {
        "setupComplete", "serverContent", "voiceActivity", "interimInputTranscription", "inputTranscription",
        "generationComplete", "sessionResumptionUpdate", "goAway",
    }  # fmt: skip
    for one in it.seen:
        parse(one.message, vertex)


def test_every_message_on_vertex_parses() -> None:
    model = "gemini-live-2.5-flash-native-audio"
    for one in exam(Scenario.load("scripted"), model, vertex=True, explicitVadSignal=True).seen:
        parse(one.message, vertex=True)


@pytest.mark.parametrize("name", sorted(set(names()) - {"plain"}))
def test_every_message_of_every_scenario_parses(name: str) -> None:
    for one in exam(Scenario.load(name), "gemini-2.5-flash-native-audio-preview-12-2025").seen:
        parse(one.message)


def test_every_message_of_a_speaking_examiner_parses() -> None:
    # With the real offline models: they are in their packages and take some three seconds to load and three
    # to run, and their pieces and sentences come in another rhythm than what stands in for them elsewhere.
    answer = resample(shared_synthesizer().synthesize("I live in a small town by the sea."), SYNTHESIZER_RATE)
    engines = {"transcriber": shared_transcriber(), "synthesizer": shared_synthesizer()}
    it = exam(Scenario.load("plain"), "gemini-2.5-flash-native-audio-preview-12-2025", engines, answer)
    assert "small town" in it.text("inputTranscription")
    assert "overall 6.5. Goodbye." in it.text()
    for one in it.seen:
        parse(one.message)


def test_every_message_of_a_transcription_model_parses() -> None:
    it = SimulatedClient(Scenario.load("plain"), transcriber=shared_transcriber())
    it.set_up("models/gemini-3.5-transcribe-live", **TRANSCRIBE)
    it.realtime(activityStart={})
    for start in range(0, len(READ.pcm), len(LOUD)):
        it.audio(READ.pcm[start : start + len(LOUD)])
        it.wait(0.1)
    it.realtime(activityEnd={})
    it.wait(1)
    assert recall(" ".join(READ.words), it.text("inputTranscription")) == 1.0
    for one in it.seen:
        parse(one.message)


@pytest.mark.parametrize("name", sorted(set(FAULTS) - STRANGE))
def test_every_message_under_every_fault_parses(name: str) -> None:
    for one in exam(Scenario.load(f"scripted+{name}"), "gemini-2.5-flash-native-audio-preview-12-2025").seen:
        parse(one.message)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9) | st.just("type"), inner, max_size=3)
    ),
    max_leaves=8,
)
SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "any": json_values,
    "object": st.dictionaries(st.text(max_size=9) | st.just("type"), json_values, max_size=3),
    "bool": st.booleans(),
    "int": st.integers(-(2**40), 2**40),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bytes": st.binary(max_size=9).map(base64_of),
    "string": st.text(max_size=9) | st.sampled_from(["user", "model", "audio/pcm;rate=16000", "image/png"]),
}


def of_kind(kind: str) -> st.SearchStrategy[Any]:
    """Whatever the schema lets through."""
    if kind in MESSAGES:
        fields = {name: st.deferred(lambda inner=inner: of_kind(inner)) for name, inner in MESSAGES[kind].items()}
        return st.fixed_dictionaries({}, optional=fields)
    if kind[0] == "[":
        return st.lists(of_kind(kind[1:-1]), max_size=2)
    if kind[0] == "{":
        return st.dictionaries(st.text(max_size=9), of_kind(kind[1:-1]), max_size=2)
    return SCALARS[kind.rstrip("!")] if kind not in ENUMS else st.sampled_from(sorted(ENUMS[kind]))


@given(
    model=st.sampled_from(sorted(MODELS)),
    vertex=st.booleans(),
    setup=of_kind("Setup"),
    messages=st.lists(st.one_of([of_kind("ClientMessage")] + [
        of_kind(kind).map(lambda body, name=name: {name: body})
        for name, kind in MESSAGES["ClientMessage"].items() if name != "setup"
    ]), max_size=4),
)  # fmt: skip
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_reads_is_answered_or_refused(model: str, vertex: bool, setup: Json, messages: list[Json]) -> None:
    it = SimulatedClient(Scenario.load("scripted").changed(examiner={"questions": ["Why?"]}), vertex=vertex)
    setup |= {"model": model, "generationConfig": LOW if MODELS[model].thinking == "level required" else {}}
    it.send({"setup": {key: value for key, value in setup.items() if key != "sessionResumption"}})
    # An exam with whatever functions were declared, then anything at all.
    for text in ("Begin.", "Because."):
        if vertex:
            it.begin(text)
        else:
            it.realtime(text=text)
        it.wait(20)
    for message in messages:
        it.send(message)
        it.wait(3)
    it.leave()
    for one in it.seen:
        parse(one.message, vertex)


class AnyOrder(RuleBasedStateMachine):
    """A client that says anything at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.it = SimulatedClient(Scenario.load("scripted"))
        self.checked = 0

    @rule(
        model=st.sampled_from(sorted(MODELS)),
        manual=st.booleans(),
        interrupts=st.booleans(),
        history=st.booleans(),
        handle=st.booleans(),
        compressed=st.booleans(),
    )
    def set_up(self, model: str, manual: bool, interrupts: bool, history: bool, handle: bool, compressed: bool) -> None:
        realtime = (MANUAL if manual else {}) | ({} if interrupts else {"activityHandling": "NO_INTERRUPTION"})
        setup: Json = {"realtimeInputConfig": realtime, "tools": TOOLS, "inputAudioTranscription": {}}
        if history:
            setup["historyConfig"] = {"initialHistoryInClientContent": True}
        if compressed:
            setup["contextWindowCompression"] = {"triggerTokens": 700}
        if MODELS[model].thinking == "level required":
            setup["generationConfig"] = LOW
        handles = self.it.carrying("sessionResumptionUpdate")
        setup["sessionResumption"] = {"handle": self.it.handle()} if handle and handles else {}
        if self.it.closed is not None:
            self.it = SimulatedClient(self.it.scenario, sessions=self.it.sessions, now=self.it.now)
            self.checked = 0
        self.it.set_up(f"models/{model}", manual=False, **setup)

    @rule(field=st.sampled_from(["activityStart", "activityEnd", "audioStreamEnd", "text", "nothing"]))
    def realtime(self, field: str) -> None:
        values: dict[str, Json] = {"text": {"text": "hello"}, "audioStreamEnd": {"audioStreamEnd": True}, "nothing": {}}
        self.it.realtime(**values.get(field, {field: {}}))

    @rule(seconds=st.floats(0.1, 1), chunk=st.sampled_from([LOUD, SILENT, b"", b"\0"]))
    def speak(self, seconds: float, chunk: bytes) -> None:
        self.it.stream(seconds, chunk)

    @rule(done=st.booleans(), words=st.sampled_from(["", "hello", "call report_score"]))
    def content(self, done: bool, words: str) -> None:
        turns = [{"role": "user", "parts": [{"text": words}]}] if words else []
        self.it.send({"clientContent": {"turns": turns, "turnComplete": done}})

    @rule(
        scheduling=st.sampled_from(["SILENT", "WHEN_IDLE", "INTERRUPT", None]), more=st.booleans(), known=st.booleans()
    )
    def respond(self, scheduling: str | None, more: bool, known: bool) -> None:
        calls = [c for seen in self.it.carrying("toolCall") for c in seen.message["toolCall"]["functionCalls"]]
        number = calls[-1].get("id", "") if known and calls else "function-call-0"
        response: Json = {"id": number, "name": "report_score", "response": {}, "willContinue": more}
        if scheduling:
            response["scheduling"] = scheduling
        self.it.send({"toolResponse": {"functionResponses": [response]}})

    @rule(clear=st.booleans())
    def update(self, clear: bool) -> None:
        tools = {"tools": {"tools": [] if clear else TOOLS}}
        self.it.send({"contextUpdate": tools | {"systemInstruction": {"parts": [{"text": "Be brief."}]}}})

    @rule(seconds=st.sampled_from([0.0, 0.05, 1.0, 20.0, 700.0]))
    def wait(self, seconds: float) -> None:
        self.it.wait(seconds)

    @precondition(lambda self: self.it.closed is None)
    @rule()
    def leave(self) -> None:
        self.it.leave()
        self.it = SimulatedClient(self.it.scenario, sessions=self.it.sessions, now=self.it.now)
        self.checked = 0

    @invariant()
    def every_message_parses(self) -> None:
        for one in self.it.seen[self.checked :]:
            parse(one.message)
        self.checked = len(self.it.seen)

    @invariant()
    def turns_are_ended_no_more_often_than_begun(self) -> None:
        ended = [fact for fact in self.it.events("turn.ended") if fact["bill"]]
        for fact in ended:
            assert all(count > 0 for count in fact["bill"]["prompt"].values())
            assert all(count > 0 for count in fact["bill"]["response"].values())
        assert len(self.it.carrying("generationComplete")) <= len(self.it.events("turn.started")) * 2

    @invariant()
    def a_close_has_a_known_code_and_is_the_last_word(self) -> None:
        if isinstance(self.it.closed, Close):
            assert self.it.closed.code in (1000, 1007, 1008, 1011)
            assert self.it.conversation.deadline() is None
        else:
            deadline = self.it.conversation.deadline()
            assert deadline is None or deadline == -math.inf or deadline >= 0


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
