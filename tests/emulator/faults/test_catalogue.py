"""Each fault, as the unmodified google-genai sees it."""

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gemini_live_emulator import Emulator, Scenario
from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.faults.effects import Emit, RefuseSetup
from gemini_live_emulator.faults.rules import FaultRule
from gemini_live_emulator.protocol.outputs import Close
from gemini_live_emulator.session.simulated_client import LOUD

pytestmark = pytest.mark.real_time

MODEL = "gemini-2.5-flash-native-audio-preview-12-2025"
PATIENCE = 10.0  # seconds to wait for what must come
QUIET = 0.25  # seconds without a message after which a session is taken to be stuck
# An exam that is over in a blink: one question, no waiting, and audio as fast as the line takes it.
QUICK: dict[str, Any] = {
    "examiner": {
        "opening": "Hi.",
        "questions": ["Why is it so?"],
        "closing": "Bye.",
        "heard": ["Because it is what it is."],
        "latency": 0.0,
        "repeat_after": 0.05,
        "early_after": 0.05,
    },
    # The turn of a call ends once, so that an exam has two turns on 2.5, too.
    "model": {"holds": False, "speed": 10_000.0, "completes_call": False},
}


@dataclass
class Record:
    """What a client saw."""

    messages: list[types.LiveServerMessage] = field(default_factory=list)
    at: list[float] = field(default_factory=list)  # when each came, on the loop's clock
    error: BaseException | None = None
    turns: int = 0

    @property
    def close(self) -> tuple[int, str] | None:
        """The code and reason as the SDK tells them."""
        if isinstance(self.error, errors.APIError):
            return self.error.code, self.error.details
        if isinstance(self.error, ConnectionClosed):
            return (self.error.rcvd.code, self.error.rcvd.reason) if self.error.rcvd else (1006, "")
        return None

    def contents(self, name: str) -> list[Any]:
        """The values of a field of server_content."""
        found = [getattr(m.server_content, name) for m in self.messages if m.server_content]
        return [value for value in found if value is not None]

    def of(self, name: str) -> list[Any]:
        """The values of a field of the message."""
        return [value for m in self.messages if (value := getattr(m, name)) is not None]

    def text(self, name: str = "output_transcription") -> str:
        """A transcript."""
        return "".join(part.text or "" for part in self.contents(name)).strip()

    def places(self, name: str) -> list[int]:
        """Which messages carry a field of server_content."""
        found = enumerate(self.messages)
        return [i for i, m in found if m.server_content and getattr(m.server_content, name) is not None]

    def calls(self) -> list[types.FunctionCall]:
        """The function calls."""
        return [call for tool in self.of("tool_call") for call in tool.function_calls]

    def audio(self) -> int:
        """Bytes of audio in the first part of each message."""
        return sum(
            len(turn.parts[0].inline_data.data) for turn in self.contents("model_turn") if turn.parts[0].inline_data
        )


def client(emulator: Emulator, **socket: Any) -> genai.Client:
    context = ssl.create_default_context(cafile=str(emulator.ca_file))
    options = {"client_args": {"verify": context}, "async_client_args": {"ssl": context} | socket}
    return genai.Client(api_key="any", http_options=types.HttpOptions(base_url=emulator.url, **options))


def config(handle: str | None = None, manual: bool = True) -> types.LiveConnectConfig:
    parameters = {"type": "OBJECT", "properties": {"overall": {"type": "NUMBER"}}}
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        session_resumption=types.SessionResumptionConfig(handle=handle),
        realtime_input_config=types.RealtimeInputConfig(
            automatic_activity_detection=types.AutomaticActivityDetection(disabled=manual)
        ),
        tools=[
            types.Tool(function_declarations=[types.FunctionDeclaration(name="report_score", parameters=parameters)])
        ],
    )


async def say(session: Any, seconds: float = 0.2) -> None:
    await session.send_realtime_input(activity_start=types.ActivityStart())
    for _ in range(round(seconds * 10)):
        await session.send_realtime_input(audio=types.Blob(data=LOUD, mime_type="audio/pcm;rate=16000"))
    await session.send_realtime_input(activity_end=types.ActivityEnd())


async def begin(session: Any) -> None:
    await session.send_client_content(turns={"role": "user", "parts": [{"text": "Begin."}]})


async def take(session: Any, record: Record, patience: float) -> None:
    """Receive one message and answer what it calls."""
    message = await asyncio.wait_for(session._receive(), patience)
    record.messages.append(message)
    record.at.append(asyncio.get_running_loop().time())
    if message.server_content and message.server_content.turn_complete:
        record.turns += 1
    for call in (message.tool_call.function_calls or ()) if message.tool_call else ():
        response = types.FunctionResponse(id=call.id, name=call.name, response={"ok": True})
        await session.send_tool_response(function_responses=response)


async def until(session: Any, record: Record, seen: Callable[[], bool]) -> None:
    """Receive until something was seen that must come."""
    while not seen():
        await take(session, record, PATIENCE)


async def listen(session: Any, record: Record, turns: int, quiet: float = QUIET) -> None:
    """Receive until so many turns are complete or nothing comes any more."""
    wanted = record.turns + turns
    with contextlib.suppress(TimeoutError):
        while record.turns < wanted:
            await take(session, record, quiet)


async def whole(emulator: Emulator, record: Record) -> None:
    """Hold an exam of one question."""
    async with client(emulator).aio.live.connect(model=MODEL, config=config()) as session:
        await session.send_client_content(turns={"role": "user", "parts": [{"text": "Begin."}]})
        await listen(session, record, 1)
        await say(session)
        await listen(session, record, 1)
        # What may still come after the last turn.
        await listen(session, record, 1, quiet=0.12)


async def resumed(emulator: Emulator, record: Record) -> None:
    """Begin, leave, and come back with the handle."""
    async with client(emulator).aio.live.connect(model=MODEL, config=config()) as session:
        await session.send_client_content(turns={"role": "user", "parts": [{"text": "Begin."}]})
        await listen(session, record, 2)
    handle = [update.new_handle for update in record.of("session_resumption_update") if update.resumable][-1]
    record.messages.clear()
    async with client(emulator).aio.live.connect(model=MODEL, config=config(handle)) as session:
        await say(session)
        await listen(session, record, 1)


async def asked_by_name(emulator: Emulator, record: Record) -> None:
    """Hold an exam, then ask for the function."""
    async with client(emulator).aio.live.connect(model=MODEL, config=config()) as session:
        for text in ("Begin.", "Because.", "Call report_score now."):
            await session.send_client_content(turns={"role": "user", "parts": [{"text": text}]})
            await listen(session, record, 1)


async def silent(emulator: Emulator, record: Record) -> None:
    """Connect and say nothing."""
    async with client(emulator).aio.live.connect(model=MODEL, config=config()) as session:
        await listen(session, record, 1)


Play = Callable[[Emulator, Record], Awaitable[None]]


async def see(rule: dict[str, Any], play: Play = whole, **changes: Any) -> Record:
    """Play a session against one fault."""
    record = Record()
    scenario = Scenario.load("scripted").changed(**QUICK).changed(**({"faults": [rule]} | changes))
    async with Emulator(scenario) as emulator:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                await asyncio.wait_for(play(emulator, record), 20)
        except (errors.APIError, ConnectionClosed, InvalidStatus, ValueError, TypeError) as error:
            record.error = error
    return record


ENDS = {
    name: effect.outputs[0]
    for name, fault in FAULTS.items()
    if isinstance(effect := fault.effect, Emit) and isinstance(effect.outputs[0], Close)
}
# These wait for a message of the client, or for time, unless told otherwise.
THEIR_OWN_MOMENT = {"activity_refused", "input_during_call", "entity_not_found", "thread_cancelled_on_tool", "quota"}


@pytest.mark.parametrize("name", ENDS)
async def test_an_end_is_seen_with_its_code_and_reason(name: str) -> None:
    own = name in THEIR_OWN_MOMENT
    rule: dict[str, Any] = {"fault": name} if own else {"fault": name, "turn": 1}
    if name == "quota":
        rule["after"] = 0.05
    play = pending if name == "input_during_call" else whole
    record = await see(rule, play)
    assert record.close == (ENDS[name].code, ENDS[name].reason[:123])
    assert record.turns == (1 if own and name != "quota" else record.turns)


async def pending(emulator: Emulator, record: Record) -> None:
    """Speak while a call waits for its answer."""
    async with client(emulator).aio.live.connect(model=MODEL, config=config()) as session:
        for text in ("Begin.", "Because."):
            await session.send_client_content(turns={"role": "user", "parts": [{"text": text}]})
            while not (record.calls() or (record.turns == 1 and text == "Begin.")):
                record.messages.append(message := await session._receive())
                record.turns += bool(message.server_content and message.server_content.turn_complete)
        await session.send_realtime_input(audio=types.Blob(data=LOUD, mime_type="audio/pcm;rate=16000"))
        await listen(session, record, 1)


REFUSALS = {name: fault.effect for name, fault in FAULTS.items() if isinstance(fault.effect, RefuseSetup)}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refused_setup_is_seen_by_connect(name: str) -> None:
    refusal = REFUSALS[name]
    record = await see({"fault": name}, resumed if refusal.resumes else whole)
    assert record.close == (refusal.code, refusal.reason[:123])
    assert record.turns == (1 if refusal.resumes else 0)


@pytest.mark.parametrize(
    ("name", "status"),
    [("refuse_400", 400), ("refuse_region", 400), ("refuse_401", 401), ("refuse_403", 403), ("refuse_404", 404),
     ("refuse_429", 429), ("refuse_503", 503)],
)  # fmt: skip
async def test_a_refused_upgrade_is_seen_as_a_status(name: str, status: int) -> None:
    record = await see({"fault": name})
    assert isinstance(record.error, InvalidStatus)
    assert record.error.response.status_code == status


@pytest.mark.parametrize(("name", "status"), [("text_429", 429), ("text_503", 503)])
async def test_a_refused_text_request_is_seen_as_a_status(name: str, status: int) -> None:
    async def ask(emulator: Emulator, record: Record) -> None:
        talk = client(emulator)
        with pytest.raises(errors.APIError) as caught:
            await asyncio.to_thread(talk.models.generate_content, model="gemini-3.8-flash", contents="hello")
        assert caught.value.code == status
        await asyncio.to_thread(talk.models.generate_content, model="gemini-3.8-flash", contents="hello")
        record.turns = 1

    assert (await see({"fault": name, "times": 1}, ask)).turns == 1


def usage(record: Record) -> types.UsageMetadata:
    return record.of("usage_metadata")[0]


def handles(record: Record) -> list[bool]:
    return [bool(update.resumable) for update in record.of("session_resumption_update")]


def statement(record: Record) -> list[float]:
    return [call.args.get("overall") for call in record.calls()]


SCORES = "Your scores are: fluency 6.5, vocabulary 6, grammar 6, pronunciation 7, and overall 6.5."

# What is seen of each habit; the whole exam otherwise goes on.
SEEN: dict[str, Callable[[Record], bool]] = {
    "cut": lambda r: r.close is not None and r.close[0] == 1006,
    "no_go_away": lambda r: r.of("go_away") == [],
    "go_away_at_once": lambda r: [notice.time_left for notice in r.of("go_away")] == ["300s"],
    "short_life": lambda r: [notice.time_left for notice in r.of("go_away")] == ["0.2s"] and r.close[0] == 1011,
    "no_setup_complete": lambda r: r.messages != [] and r.turns >= 1,
    "late_setup_complete": lambda r: len(r.of("setup_complete")) == 1,
    "lost_turn_complete": lambda r: r.turns == 0 and r.contents("generation_complete") != [],
    "spurious_interrupted": lambda r: r.contents("interrupted") == [True],
    "late_interrupted": lambda r: len(r.contents("interrupted")) == r.turns,
    "late_words": lambda r: r.text().count(" Take your time.") == 1,
    "mute": lambda r: r.of("server_content") == [] and handles(r) != [],
    "empty_reply": lambda r: r.audio() == 0 and r.turns == 2 and r.text() == "",
    "no_audio": lambda r: r.audio() == 0 and SCORES in r.text(),
    "waiting_for_input": lambda r: r.contents("turn_complete_reason")[0] == types.TurnCompleteReason.NEED_MORE_INPUT
    and r.contents("waiting_for_input")[0],
    "hum": lambda r: max(len(t.parts[0].inline_data.data) for t in r.contents("model_turn")) == 14 * 48_000,
    "usage_missing": lambda r: r.of("usage_metadata") == [] and r.turns == 2,
    "usage_no_details": lambda r: usage(r).prompt_token_count > 0 and usage(r).prompt_tokens_details is None,
    "usage_total_only": lambda r: usage(r).total_token_count > 0 and usage(r).prompt_token_count is None,
    "usage_short_details": lambda r: sum(d.token_count for d in usage(r).prompt_tokens_details)
    == usage(r).prompt_token_count - 25,
    "usage_tiny_audio": lambda r: [d.token_count for d in r.of("usage_metadata")[-1].prompt_tokens_details][1] == 3,
    "usage_apart": lambda r: all(not m.server_content.turn_complete for m in r.messages if m.usage_metadata),
    "usage_twice": lambda r: len(r.of("usage_metadata")) == 2 * r.turns,
    "usage_sometimes": lambda r: [bool(u.prompt_tokens_details) for u in r.of("usage_metadata")] == [True, False],
    "usage_without_thoughts": lambda r: usage(r).thoughts_token_count == 136
    and usage(r).total_token_count == usage(r).prompt_token_count + usage(r).response_token_count,
    "transcription_double": lambda r: r.text("input_transcription").startswith("Because it Because it"),
    "transcription_missing": lambda r: r.text("input_transcription") == "",
    "output_text_missing": lambda r: r.text() == "" and r.audio() > 0,
    "call_missing": lambda r: r.calls() == [] and r.turns == 2,
    "call_malformed": lambda r: [call.args for call in r.calls()] == [{"scores": "6.5, 6, 6"}],
    "call_empty": lambda r: [call.args for call in r.calls()] == [{}],
    "call_unknown": lambda r: [call.name for call in r.calls()] == ["finish_exam"],
    "call_twice": lambda r: statement(r) == [6.5, 6.5],
    "call_early": lambda r: names(r).index("tool_call") < closing(r),
    "call_in_speech": lambda r: in_speech(r) and SCORES in r.text() and r.contents("interrupted") == [],
    "call_promised": lambda r: r.text().endswith("I will now report your scores.") and r.calls() == [],
    "call_lost": lambda r: r.calls() == [] and r.turns == 1,
    "call_cancelled": lambda r: [c.ids for c in r.of("tool_call_cancellation")] == [[call.id] for call in r.calls()],
    "call_rejected": lambda r: r.calls() == []
    and r.contents("turn_complete_reason") == [types.TurnCompleteReason.MALFORMED_FUNCTION_CALL],
    "call_trailing_audio": lambda r: names(r)[names(r).index("tool_call") + 1] == "server_content",
    "scores_two": lambda r: "Your scores are: fluency 6.5, vocabulary 6. Goodbye." in r.text(),
    "scores_none": lambda r: r.text().endswith("Bye. Goodbye."),
    "handle_never": lambda r: handles(r) == [],
    "handle_unresumable": lambda r: set(handles(r)) == {False},
    "huge_frame": lambda r: r.close is not None and r.close[0] == 1006,
    "unknown_only": lambda r: isinstance(r.error, TypeError),
    "error_message": lambda r: isinstance(r.error, errors.ServerError) and r.error.code == 500,
    "extra_fields": lambda r: statement(r) == [6.5],
    "empty_message": lambda r: types.LiveServerMessage() in r.messages,
    "empty_frame": lambda r: types.LiveServerMessage() in r.messages,
    "invalid_json": lambda r: isinstance(r.error, ValueError) and "Failed to parse response" in str(r.error),
    "text_frames": lambda r: statement(r) == [6.5],
    "mixed_frames": lambda r: statement(r) == [6.5],
    "split_frames": lambda r: statement(r) == [6.5] and r.audio() > 100_000,
    "bare_mime": lambda r: {t.parts[0].inline_data.mime_type for t in r.contents("model_turn")} == {"audio/pcm"},
    "url_safe": lambda r: r.audio() > 100_000,
    "two_parts": lambda r: r.audio() == 0 and all(t.parts[1].inline_data.data for t in r.contents("model_turn")),
    "forgets": lambda r: r.text() == "Hi. Why is it so?",
    "call_when_asked": lambda r: statement(r) == [6.5],
    "repeats": lambda r: r.text().count("Why is it so?") == 2,
    "early": lambda r: "Why is it so? Bye. Your scores are" in r.text(),
}  # fmt: skip


def names(record: Record) -> list[str]:
    return [
        next(iter(message.model_fields_set & set(types.LiveServerMessage.model_fields))) for message in record.messages
    ]


def closing(record: Record) -> int:
    return next(i for i, m in enumerate(record.messages) if m.server_content and m.server_content.output_transcription
                and "Bye." in m.server_content.output_transcription.text)  # fmt: skip


def in_speech(record: Record) -> bool:
    """Whether audio of the same turn came before the call and after it."""
    call, audio = names(record).index("tool_call"), record.places("model_turn")
    begun, over = record.places("turn_complete")[:2]
    return any(begun < i < call for i in audio) and any(call < i < over for i in audio)


# How a fault is told to come at once in so short an exam.
RULES: dict[str, dict[str, Any]] = {
    "go_away_at_once": {"after": 0.0},
    "short_life": {"seconds": 0.2},
    "empty_message": {"turn": 1},
    "empty_frame": {"turn": 1},
    "mixed_frames": {"chance": 0.5},
    # Before the line is full: a client that stopped reading does not see its close answered, and waits 10 s.
    "unknown_only": {"on": "sessionResumptionUpdate"},
    "error_message": {"on": "sessionResumptionUpdate"},
    "invalid_json": {"on": "sessionResumptionUpdate"},
}
CHANGES: dict[str, dict[str, Any]] = {
    "short_life": {"examiner": {"latency": 5.0}},
    "repeats": {"examiner": {"questions": ["Yes?", "Why is it so?"]}},
    "early": {"examiner": {"questions": ["Yes?", "Why is it so?"]}},
}
PLAYS: dict[str, Play] = {
    "unknown_only": silent,
    "error_message": silent,
    "invalid_json": silent,
    "forgets": resumed,
    "call_when_asked": asked_by_name,
}


@pytest.mark.parametrize("name", SEEN)
async def test_a_fault_is_seen(name: str) -> None:
    rule = {"fault": name} | RULES.get(name, {})
    record = await see(rule, PLAYS.get(name, whole), **CHANGES.get(name, {}))
    assert SEEN[name](record), (record.error, record.messages)


# Faults of timing: what comes in which order, what is missing, and no sooner than when. How late it
# comes at most is for test_fault_line.py to say, on imagined time.
LATER = 0.3


async def slow_reply() -> None:
    asked = 0.0

    async def play(emulator: Emulator, record: Record) -> None:
        nonlocal asked
        async with client(emulator).aio.live.connect(model=MODEL, config=config()) as session:
            asked = asyncio.get_running_loop().time()
            await begin(session)
            await until(session, record, lambda: record.turns == 1)

    record = await see({"fault": "slow_reply", "seconds": LATER}, play)
    assert record.at[record.places("model_turn")[0]] - asked >= LATER
    assert record.text() == "Hi. Why is it so?"


async def long_pongs() -> None:
    latency = 0.0

    async def patient(emulator: Emulator, record: Record) -> None:
        nonlocal latency
        talk = client(emulator, ping_interval=0.01, ping_timeout=PATIENCE)
        async with talk.aio.live.connect(model=MODEL, config=config()) as session:
            socket = session._ws
            await (await socket.ping())
            while not socket.latency:  # as its own keepalive measured it
                await (await socket.ping())
            latency = socket.latency
            await begin(session)
            await until(session, record, lambda: record.turns == 1)

    async def impatient(emulator: Emulator, record: Record) -> None:
        talk = client(emulator, ping_interval=0.01, ping_timeout=0.1)
        async with talk.aio.live.connect(model=MODEL, config=config()) as session:
            await until(session, record, lambda: False)

    record = await see({"fault": "long_pongs", "seconds": LATER}, patient)
    assert latency >= LATER
    assert (record.turns, record.error) == (1, None)
    # The keepalive of a client that waits less ends the connection from its side.
    ended = (await see({"fault": "long_pongs"}, impatient)).close
    assert ended is not None
    assert ended[0] == 1006


NUMBERS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


async def transcription_stall() -> None:
    async def play(emulator: Emulator, record: Record) -> None:
        async with client(emulator).aio.live.connect(model=MODEL, config=config()) as session:
            await begin(session)
            for seconds in (1.5, 0.3):
                await listen(session, record, 1, PATIENCE)
                await say(session, seconds)
            await listen(session, record, 1, PATIENCE)

    plan = {"questions": ["Count.", "And again?"], "heard": [NUMBERS, "one two three"], "words_per_second": 10.0}
    record = await see({"fault": "transcription_stall", "seconds": 1.0}, play, examiner=plan)
    # Ten of fifteen words in a second and a half; the next window begins afresh.
    told = [*NUMBERS.split()[:10], "one", "two", "three"]
    assert record.text("input_transcription") == " ".join(told)
    assert statement(record) == [6.5]


async def transcription_late() -> None:
    said = 0.0

    async def play(emulator: Emulator, record: Record) -> None:
        nonlocal said
        async with client(emulator).aio.live.connect(model=MODEL, config=config()) as session:
            await begin(session)
            await listen(session, record, 1, PATIENCE)
            said = asyncio.get_running_loop().time()
            await say(session)
            await until(session, record, lambda: record.text("input_transcription").endswith("it is."))

    record = await see({"fault": "transcription_late", "seconds": LATER}, play)
    first = record.places("input_transcription")[0]
    assert record.at[first] - said >= LATER
    # The reply to what was said is on its way before its text.
    assert "Bye." in "".join(m.server_content.output_transcription.text for m in record.messages[:first]
                             if m.server_content and m.server_content.output_transcription)  # fmt: skip


async def transcription_restart() -> None:
    flushed, in_time = 0.0, ""

    async def play(emulator: Emulator, record: Record) -> None:
        nonlocal flushed, in_time
        async with client(emulator).aio.live.connect(model=MODEL, config=config()) as session:
            await begin(session)
            await listen(session, record, 1, PATIENCE)
            await session.send_realtime_input(activity_start=types.ActivityStart())
            await session.send_realtime_input(audio=types.Blob(data=LOUD * 4, mime_type="audio/pcm;rate=16000"))
            # The first window's text comes while it is open.
            await until(session, record, lambda: record.text("input_transcription").endswith("four"))
            in_time = record.text("input_transcription")
            flushed = asyncio.get_running_loop().time()
            await session.send_realtime_input(activity_end=types.ActivityEnd())
            await say(session, 0.4)
            await until(session, record, lambda: record.text("input_transcription").endswith("eight"))

    # The flush comes before the reply to the first window, which would make the second another turn's.
    plan = {"heard": [NUMBERS], "words_per_second": 10.0, "latency": 1.0}
    record = await see({"fault": "transcription_restart", "seconds": LATER}, play, examiner=plan)
    assert in_time == "one two three four"
    fifth = next(i for i in record.places("input_transcription")
                 if "five" in record.messages[i].server_content.input_transcription.text)  # fmt: skip
    assert record.at[fifth] - flushed >= LATER


async def call_chance() -> None:
    seed, called = 5, []

    async def play(emulator: Emulator, record: Record) -> None:
        for _ in range(10):
            one = Record()
            async with client(emulator).aio.live.connect(model=MODEL, config=config()) as session:
                await begin(session)
                await listen(session, one, 1, PATIENCE)
                await say(session)
                await listen(session, one, 1, PATIENCE)
            assert SCORES in one.text()
            called.append(bool(one.calls()))

    assert (await see({"fault": "call_chance"}, play, seed=seed)).error is None
    expected = [True, True, True, False, True, True, False, False, True, False]
    assert called == expected, f"seed {seed} gave {called}"


async def handle_expires() -> None:
    record = await see({"fault": "handle_expires", "seconds": 1e-6}, resumed)
    assert record.turns == 1
    assert record.close == (1007, "Invalid session handle")


TIMING = {play.__name__: play for play in (slow_reply, long_pongs, transcription_stall, transcription_late,
                                           transcription_restart, call_chance, handle_expires)}  # fmt: skip


@pytest.mark.parametrize("name", TIMING)
async def test_a_fault_of_timing_is_seen(name: str) -> None:
    await TIMING[name]()


async def test_three_faults_are_seen_on_one_connection() -> None:
    rules = [{"fault": "usage_twice"}, {"fault": "late_interrupted", "turn": 2}, {"fault": "call_twice"}]
    record = await see({}, faults=rules)
    assert len(record.of("usage_metadata")) == 2 * record.turns
    assert len(record.contents("interrupted")) == record.turns - 1
    assert statement(record) == [6.5, 6.5]


# What users of the service reported, code by code; at any of them a client must know what to do.
REPORTED = [
    (1000, ""), (1000, "The operation was cancelled."), (1001, ""), (1012, ""), (1013, ""),
    (1007, "API key not valid."), (1007, "Request contains an invalid argument."), (1007, "Invalid session handle"),
    (1007, "Invalid JSON payload received. Unknown name"), (1007, "setup must be the first message and only the first"),
    (1007, "Explicit activity control is not supported when automatic activity detection is enabled"),
    (1007, "Cannot extract voices from a non-audio request."),
    (1008, "Operation is not implemented, or supported, or enabled."), (1008, "models/"),
    (1008, "BidiGenerateContent session not found"), (1008, "Requested entity was not found."),
    (1008, "The operation was aborted."),
    (1011, "Internal error encountered."), (1011, "Internal error occurred."), (1011, "Internal error"),
    (1011, "Thread was cancelled when writing StartStep status to channel.; Failed to close the streaming context"),
    (1011, "Failed to run inference for model: go/debug"), (1011, "RPC::DEADLINE_EXCEEDED"),
    (1011, "Request trace id: "), (1011, "Deadline expired before operation could complete."),
    (1011, "RESOURCE_EXHAUSTED"), (1011, "You exceeded your current quota, please check your plan"),
    (1011, "service is currently unavailable"), (1011, "The service is currently unavailable."),
    (1011, "keepalive ping timeout"), (1011, ""),
]  # fmt: skip


def test_every_close_that_users_reported_has_its_fault() -> None:
    ends = [*ENDS.values(), *REFUSALS.values()]
    told = {(end.code, end.reason) for end in ends}
    for code, reason in REPORTED:
        assert any(c == code and (r.startswith(reason) if reason else r == "") for c, r in told), (code, reason)


def test_every_fault_is_tested() -> None:
    upgrades = {name for name in FAULTS if name.startswith(("refuse_4", "refuse_5", "refuse_r", "text_4", "text_5"))}
    assert set(FAULTS) == set(ENDS) | set(REFUSALS) | set(SEEN) | upgrades | set(TIMING)


def test_every_fault_is_described_in_a_line() -> None:
    for name, fault in FAULTS.items():
        assert fault.summary, name
        assert "\n" not in fault.summary
        FaultRule(fault=name)
