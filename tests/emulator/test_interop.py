"""Every message parses with the SDK's own types, and no order of messages upsets a conversation."""

import math
from typing import Any

import pytest
from google.genai import _live_converters as converters
from google.genai import types
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from emulator.faults import FAULTS
from emulator.models import MODELS
from emulator.outputs import Close
from emulator.rehearsal import LOUD, MANUAL, SILENT, Rehearsal
from emulator.scenario import Scenario, names
from emulator.wire import Json

TOOLS = [
    {"functionDeclarations": [{"name": "report_score", "parameters": {"properties": {"overall": {"type": "NUMBER"}}}}]}
]
LOW = {"thinkingConfig": {"thinkingLevel": "LOW"}}
# These send what no SDK knows, on purpose.
STRANGE = {"extra_fields", "unknown_only", "error_message"}


def parse(message: Json, vertex: bool = False) -> types.LiveServerMessage:
    """Parse a message with nothing unknown left over: the SDK's models forbid extra names."""
    convert = converters._LiveServerMessage_from_vertex if vertex else converters._LiveServerMessage_from_mldev
    known = convert(message)
    assert len(known) == len(message)
    return types.LiveServerMessage.model_validate(known)


def exam(scenario: Scenario, model: str, **setup: Any) -> Rehearsal:
    it = Rehearsal(scenario, vertex=setup.pop("vertex", False))
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
        it.say(1)
        it.realtime(activityStart={})
        it.realtime(activityEnd={})
    it.wait(1000)
    return it


@pytest.mark.parametrize("model", MODELS)
def test_every_message_of_every_model_parses(model: str) -> None:
    seen = exam(Scenario.load("scripted"), model).seen
    carried: set[str] = set().union(*(one.names for one in seen))
    assert {"setupComplete", "toolCall", "goAway", "usageMetadata", "interrupted"} <= carried
    for one in seen:
        parse(one.message)


def test_every_message_on_vertex_parses() -> None:
    model = "gemini-live-2.5-flash-native-audio"
    for one in exam(Scenario.load("scripted"), model, vertex=True, explicitVadSignal=True).seen:
        parse(one.message, vertex=True)


@pytest.mark.parametrize("name", sorted(set(names()) - {"plain"}))
def test_every_message_of_every_scenario_parses(name: str) -> None:
    for one in exam(Scenario.load(name), "gemini-2.5-flash-native-audio-preview-12-2025").seen:
        parse(one.message)


@pytest.mark.parametrize("name", sorted(set(FAULTS) - STRANGE))
def test_every_message_under_every_fault_parses(name: str) -> None:
    for one in exam(Scenario.load(f"scripted+{name}"), "gemini-2.5-flash-native-audio-preview-12-2025").seen:
        parse(one.message)


BOOLS = st.booleans()


class AnyOrder(RuleBasedStateMachine):
    """A client that says anything at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.it = Rehearsal(Scenario.load("scripted"))
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
            self.it = Rehearsal(self.it.scenario, memory=self.it.memory, now=self.it.now)
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
        self.it = Rehearsal(self.it.scenario, memory=self.it.memory, now=self.it.now)
        self.checked = 0

    @invariant()
    def every_message_parses(self) -> None:
        for one in self.it.seen[self.checked :]:
            parse(one.message)
        self.checked = len(self.it.seen)

    @invariant()
    def turns_are_ended_no_more_often_than_begun(self) -> None:
        ended = [fact for fact in self.it.facts("turn.ended") if fact["bill"]]
        for fact in ended:
            assert all(count > 0 for count in fact["bill"]["prompt"].values())
            assert all(count > 0 for count in fact["bill"]["response"].values())
        assert len(self.it.carrying("generationComplete")) <= len(self.it.facts("turn.started")) * 2

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
