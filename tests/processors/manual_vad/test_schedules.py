"""A flush is one: whatever happens around it, its two messages stay together and not one sample is lost.

The way of a sample from the turn machine through the Live machine to the connection's one queue, with everything that
can come between: functions, instructions, replies, a slow network, connections that die.
"""

import asyncio
import random
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from google.genai import types

from core.live import messages
from core.live.actions import Action, CallTool, Dial, GiveUp, HangUp, Transmit
from core.live.close_codes import CloseAction
from core.live.connection import ConnectionPolicy
from core.live.conversation import LiveConversationMachine
from core.live.messages import Audio, EndActivity, StartActivity
from core.live.model_facts import model_facts
from core.live.policy import LivePolicy
from core.turns.endpointing import Action as TurnAction
from core.turns.endpointing import CloseTurn, OpenTurn, TurnMachine, TurnPolicy, VoiceSpanEnded
from core.turns.flush import Chunk, Flush, FlushStrategy, TimerFlush, ValleyFlush
from processors.gemini_live.connection import Connection
from support.soak import share

SCHEDULES = share(10_000, 100_000)
SEED = 20261123
RATE = 50
LENGTH = 0.1
SAMPLES = round(LENGTH * RATE)
FACTS = model_facts("gemini-3.8-live")
POLICY = LivePolicy(ConnectionPolicy(backoff=(0.1,) * 20), context_check=0.0)
STRATEGIES: tuple[Callable[[], FlushStrategy], ...] = (
    lambda: TimerFlush(0.3),
    lambda: ValleyFlush(0.3, 0.9),
    lambda: ValleyFlush(0.2, 5.0),
)


class Schedule:
    """One call, in an order of events that nobody planned."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.now = 0.0
        self.turns = TurnMachine(TurnPolicy(0.1, 0.4), dice.choice(STRATEGIES)())
        self.live = LiveConversationMachine(POLICY, frozenset({"score"}))
        self.held: deque[bytes] = deque()  # as in manual_vad
        self.spoken = array("H")  # the samples of all turns
        self.voiced: set[int] = set()  # those that are voice, of all the call
        self.cuts: list[int] = []  # before which of them a turn was flushed
        self.wires: list[list[Any]] = []  # what each connection sent
        self.connection: Connection | None = None
        self.dialed: Dial | None = None
        self.called = 0
        self.calls: list[str] = []  # those we know of
        self.numbers = 0
        self.voice = True
        self.done(self.live.start(0.0))
        self.open()

    # --- the caller

    def caller_sends(self) -> None:
        """A tenth of a second of samples that are like no others, now and then in a burst after a gap."""
        roll = self.dice.random()
        if roll < 0.3:
            self.voice = not self.voice
        self.now += LENGTH if roll > 0.05 else 1e-4
        numbers = range(self.numbers, self.numbers + SAMPLES)
        self.numbers += SAMPLES
        self.held.append(array("H", numbers).tobytes())
        if self.voice:
            self.voiced.update(numbers)
        self.turn(self.turns.on_audio(Chunk(self.voice, roll, LENGTH), self.now))
        if not self.turns.open:
            while len(self.held) > 2:
                self.held.popleft()
        elif not self.turns.holding:
            self.release()

    def turn(self, actions: Sequence[TurnAction]) -> None:
        for action in actions:
            match action:
                case OpenTurn():
                    self.done(self.live.caller_started(self.now))
                case VoiceSpanEnded(_, ended):
                    self.done(self.live.caller_voiced(ended, self.now))
                case Flush(at, _, carried_over):
                    self.release(carried_over)
                    self.cuts.append(len(self.spoken))
                    self.done(self.live.flush(self.now, at))
                case CloseTurn(_, _, spoke_until, voiced):
                    self.release()
                    self.done(self.live.caller_stopped(self.now, voiced=voiced, spoke_until=spoke_until))

    def release(self, all_but: int = 0) -> None:
        while len(self.held) > all_but:
            pcm = self.held.popleft()
            self.spoken.frombytes(pcm)
            self.done(self.live.caller_audio(pcm, RATE))

    # --- the service

    def says(self, event: messages.Incoming) -> None:
        if self.dialed is not None:
            self.done(self.live.on_server_message(event, self.dialed.number, self.now))

    def calls_a_function(self) -> None:
        """A model answers the audio it has received, so nothing is on its way to it."""
        self.send_all()
        self.called += 1
        self.says(messages.ToolCallReceived(f"call-{self.called}", "score", {}))

    def answers_functions(self) -> None:
        while self.calls:
            self.done(self.live.tool_answered(self.calls.pop(), "score", {}, "The score.", self.now))

    def replies(self) -> None:
        self.send_all()
        reply = (
            messages.ModelAudio(bytes(20), RATE),
            messages.OutputTranscribed(" Thank you."),
            messages.GenerationComplete(),
            messages.TurnComplete(),
            messages.HandleUpdated(self.dice.choice(["handle", None])),
            messages.Interrupted(),
        )
        self.says(self.dice.choice(reply))

    # --- the connection

    def die(self) -> None:
        if self.dialed is not None:
            number, self.dialed, self.connection = self.dialed.number, None, None
            self.done(self.live.lost(1011, "", CloseAction.RESUME, "It died.", number, self.now))

    def open(self) -> None:
        dial = self.dialed
        if dial is None or self.connection is not None:
            return
        self.wires.append([])
        self.connection = Connection(None, "", FACTS, chunk=0.25)  # pyright: ignore[reportArgumentType]
        self.done(self.live.opened(0.1, None, (), dial.handle is not None, self.now))

    def pass_time(self) -> None:
        self.now += self.dice.choice([0.05, 0.2, 0.5])
        self.turn(self.turns.tick(self.now))
        self.done(self.live.tick(self.now))

    def send_some(self) -> None:
        """What the connection's sender does whenever the socket accepts something: the next of the queue, whole."""
        if self.connection is not None and self.connection._outbox:
            self.wires[-1] += self.connection._outbox.popleft()

    def send_all(self) -> None:
        while self.connection is not None and self.connection._outbox:
            self.send_some()

    def done(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Transmit(items) if self.connection is not None:
                    self.connection.send(*items)
                case Dial():
                    self.dialed, self.connection = action, None
                case HangUp():
                    self.dialed = self.connection = None
                case CallTool(id):
                    self.calls.append(id)
                case GiveUp(why):
                    raise AssertionError(why)
                case _:
                    pass

    # --- all of it

    def run(self, steps: int, troubles: Sequence[Callable[[], None]]) -> None:
        for _ in range(steps):
            self.caller_sends()
            if self.dice.random() < 0.3:
                self.dice.choice(troubles)()
        self.turn(self.turns.close_turn(self.now))
        self.answers_functions()
        for _ in range(100):
            if self.connection is not None:
                break
            self.pass_time()
            self.open()
        assert self.connection is not None
        self.connection.send(messages.TextTurn("Good-bye."))
        self.send_all()

    def instruct(self) -> None:
        self.done(self.live.instruct("Go on.", self.now))

    def troubles(self, kind: int) -> list[Callable[[], None]]:
        """What may come between: 0 a slow network and instructions, 1 functions as well, 2 a lost connection, too."""
        some = [self.instruct, self.send_some, self.send_some, self.pass_time]
        if kind > 0:
            some += [self.calls_a_function, self.answers_functions]
        if kind > 1:
            some += [self.die, self.open, self.open, self.replies]
        return some


def check_pairs(wire: Sequence[Any]) -> None:
    for one, other in pairwise([*wire, None]):
        if one == EndActivity(flush=True):
            assert other == StartActivity(), f"{other} came between the two messages of a flush"


def samples(wire: Sequence[Any]) -> list[int]:
    return array("H", b"".join(item.pcm for item in wire if isinstance(item, Audio))).tolist()


def check(schedule: Schedule, kind: int) -> None:
    for wire in schedule.wires:
        check_pairs(wire)
        sent = samples(wire)
        assert all(a < b for a, b in pairwise(sent)), "out of order, or twice"
    if kind == 0:
        [wire] = schedule.wires
        assert samples(wire) == schedule.spoken.tolist(), "not what was spoken"
        cuts = [n for n, item in enumerate(wire) if item == EndActivity(flush=True)]
        assert [len(samples(wire[:n])) for n in cuts] == schedule.cuts, "samples on the wrong side of a cut"
        return
    # Silence that waited for a function, behind a flush whose reply turned out to be the answer, need not be sent.
    arrived = {sample for wire in schedule.wires for sample in samples(wire)}
    assert arrived <= set(schedule.spoken), "what was not in a turn was sent"
    assert arrived >= schedule.voiced.intersection(schedule.spoken), "voice was lost"


@pytest.mark.timeout(900)  # in `make soak` a minute of CPU
def test_the_two_messages_of_a_flush_are_never_separated_in_random_schedules() -> None:
    flushed, dice = 0, random.Random(SEED)
    for number in range(SCHEDULES):
        seed, kind, steps = dice.getrandbits(32), number % 3, 8 + number % 8
        schedule = Schedule(random.Random(seed))
        try:
            schedule.run(steps, schedule.troubles(kind))
            check(schedule, kind)
        except AssertionError as error:
            raise AssertionError(f"{steps} steps of kind {kind}, seed {seed}: {error}") from error
        flushed += sum(wire.count(EndActivity(flush=True)) for wire in schedule.wires)
    assert flushed > SCHEDULES / 3


class Socket:
    """Accepts one message at a time, slowly."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.pcm = b""

    async def send_realtime_input(
        self,
        audio: types.Blob | None = None,
        text: str | None = None,
        activity_start: types.ActivityStart | None = None,
        activity_end: types.ActivityEnd | None = None,
    ) -> None:
        await asyncio.sleep(0.01)
        if audio is not None:
            assert audio.data is not None
            self.pcm += audio.data
        self.sent.append("audio" if audio else "text" if text else "start" if activity_start else "end")

    async def send_tool_response(self, function_responses: types.FunctionResponse) -> None:
        await asyncio.sleep(0.01)
        self.sent.append("result")


async def test_what_is_sent_while_a_flush_is_on_its_way_waits_for_its_second_message() -> None:
    for seed in range(300):
        dice, socket, said, flushes = random.Random(seed), Socket(), b"", 0
        connection = Connection(None, "", FACTS, chunk=0.25)  # pyright: ignore[reportArgumentType]
        sender = asyncio.create_task(connection._send_all(socket))  # pyright: ignore[reportArgumentType]
        connection.send(StartActivity())
        for _ in range(20):
            match dice.randrange(4):
                case 0:
                    connection.send(EndActivity(flush=True), StartActivity())
                    flushes += 1
                case 1:
                    connection.send(messages.ToolResult("1", "score", {}))
                case _:
                    pcm = dice.randbytes(2 * SAMPLES)
                    said += pcm
                    connection.send(Audio(pcm, RATE))
            await asyncio.sleep(dice.choice([0.0, 0.005, 0.02]))
        connection.send(EndActivity())
        await asyncio.sleep(1)
        sender.cancel()
        assert socket.sent.count("start") == flushes + 1
        assert all(other == "start" for one, other in pairwise(socket.sent) if one == "end"), f"seed {seed}"
        assert socket.pcm == said
