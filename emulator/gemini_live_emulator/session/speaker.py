"""The model's turns: one reply at a time, from the end of the user's turn to turnComplete, with calls and usage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

from gemini_live_emulator.protocol.outputs import Note, Output, Send, Speak
from gemini_live_emulator.protocol.wire import INVALID_ARGUMENT, Json, Refused
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.session.delivery import BYTES_PER_SECOND, FIRST, Chunk, Delivery, content, messages
from gemini_live_emulator.session.examiner import Call, Examiner, Reply
from gemini_live_emulator.session.setup import SessionConfig
from gemini_live_emulator.session.usage import Bill, Context, Entry, usage_metadata
from gemini_live_emulator.speech import tone

FILLER: Final = "Let me think."


@dataclass
class _Turn:
    """A turn of the model, from the moment it is due."""

    ready_at: float
    limit: float
    reply: Reply | None = None  # known beforehand when nobody asked
    from_user: bool = True
    heard: str = ""
    prompt: dict[str, int] = field(default_factory=dict[str, int])
    response: dict[str, int] = field(default_factory=dict[str, int])
    delivery: Delivery | None = None
    started: bool = False
    speech: int = 0  # number of its first sentence among all Speak requests
    called: bool = False
    generated: bool = False
    rounds: int = 0
    held_until: float = 0.0
    samples: int = 0  # of audio sent
    words: list[str] = field(default_factory=list[str])


class Speaker:
    """Answers turns: thinks, speaks, calls functions, holds for playback, and counts the cost."""

    def __init__(
        self,
        scenario: Scenario,
        config: SessionConfig,
        examiner: Examiner,
        context: Context,
        dice: Random,
        take: Callable[[], str],
    ) -> None:
        self.config = config
        self.context = context
        self.examiner = examiner
        self.pending: dict[str, bool] = {}  # unanswered calls: id -> whether it blocks
        self.turns = 0
        self._scenario = scenario
        self._dice = dice
        self._turn: _Turn | None = None
        self._requested = 0
        self._queued: tuple[float, Reply] | None = None
        self._take = take
        self._ask_again_at: float | None = None  # a turn that ended while the model was speaking

    @property
    def busy(self) -> bool:
        """Whether a turn of the model is under way."""
        return self._turn is not None

    @property
    def blocked(self) -> bool:
        """Whether the model waits for the answer of a function."""
        return any(self.pending.values())

    @property
    def _unfinished(self) -> bool:
        return self.blocked and not self.config.model.completes_call

    def ask(self, now: float) -> None:
        """Make the model answer what the user has said."""
        if not self.config.model.answers:
            return
        if self._turn is not None:
            # With NO_INTERRUPTION the reply plays to its end, and the next one follows.
            self._ask_again_at = now
            return
        plan, self._queued = self._scenario.examiner, None
        self._turn = _Turn(now + plan.latency, now + max(plan.latency, plan.hearing_limit))

    def deadline(self, transcribing: bool) -> float | None:
        """Say when there is something to do again."""
        turn = self._turn
        if turn is None:
            return self._queued[0] if self._queued and not self.blocked else None
        if not turn.started:
            return turn.limit if transcribing and turn.from_user else turn.ready_at
        if turn.delivery is not None and not turn.generated:
            return turn.delivery.deadline()
        if turn.generated and not self._unfinished:
            return turn.held_until
        return None

    def step(self, now: float, transcribing: bool) -> list[Output]:
        """Do what is due."""
        out: list[Output] = []
        turn = self._turn
        if turn is None:
            if self._queued is None or now < self._queued[0] or self.blocked:
                return out
            _, reply = self._queued
            self._queued = None
            turn = self._turn = _Turn(now, now, reply, from_user=False)
        if not turn.started:
            waits = transcribing and turn.from_user and now < turn.limit
            if now < turn.ready_at or waits:
                return out
            out += self._start(turn, now)
        delivery = turn.delivery
        if delivery is not None and not turn.generated:
            for chunk in delivery.due(now):
                out += messages(self.config, chunk)
                turn.samples += len(chunk.pcm) // 2
                turn.words += chunk.text.split()
                # turnComplete waits until a client that plays the audio as it comes has played all of it.
                seconds = len(chunk.pcm) / BYTES_PER_SECOND
                if self.config.model.holds:
                    turn.held_until = max(turn.held_until, now) + seconds
                if turn.reply and any(c.timing == "with speech" for c in turn.reply.calls):
                    out += self._call(turn, "with speech")
            if delivery.complete:
                out += self._finish_speech(turn, delivery, now)
        if turn.generated and not self._unfinished and now >= turn.held_until:
            out += self._complete(turn, now)
        return out

    def synthesized(self, number: int, pcm: bytes) -> None:
        """Take the audio of a sentence that was asked for."""
        turn = self._turn
        if turn is not None and turn.delivery is not None:
            turn.delivery.feed(number - turn.speech, pcm)

    def _start(self, turn: _Turn, now: float) -> list[Output]:
        turn.started = True
        self.turns += 1
        if turn.from_user:
            turn.heard = self._take()
            turn.reply = self.examiner.answer(turn.heard)
        reply = turn.reply or Reply((), self.examiner.progress)
        self._fit()
        turn.prompt = self.context.prompt()
        out: list[Output] = [Note("turn.started", {"turn": self.turns, "heard": turn.heard})]
        out += self._call(turn, "before speech")
        if turn.rounds < self.config.model.rounds - 1:
            reply = Reply((FILLER,), self.examiner.progress)
        return out + self._deliver(turn, reply)

    def _fit(self) -> None:
        config = self.config
        if config.trigger is not None and config.target is not None:
            if self.context.tokens() > config.trigger:
                self.context = self.context.compressed(config.target)
        elif self.context.tokens() > config.model.window:
            # livekit/agents realtime_api.py; on Vertex the close is 1000.
            if config.vertex:
                raise Refused(1000, "")
            raise Refused(1007, INVALID_ARGUMENT)

    def _deliver(self, turn: _Turn, reply: Reply) -> list[Output]:
        text_only = self.config.text_only
        delivery = Delivery(reply, self.config.model.speed, text_only)
        turn.delivery, turn.generated = delivery, False
        turn.speech = self._requested
        self._requested += len(reply.sentences)
        if text_only:
            return []
        if self._scenario.examiner.kind == "scripted":
            for i, sentence in enumerate(reply.sentences):
                delivery.feed(i, tone(sentence))
            return []
        return [Speak(turn.speech + i, text) for i, text in enumerate(reply.sentences)]

    def _finish_speech(self, turn: _Turn, delivery: Delivery, now: float) -> list[Output]:
        self._add_to_context(turn, delivery)
        out: list[Output] = []
        turn.held_until = max(turn.held_until, now)
        if turn.rounds < self.config.model.rounds - 1:
            # On extended thinking several turns make one interaction (python-genai live.py).
            turn.rounds += 1
            out.append(content({"generationComplete": True}))
            out.append(self._turn_complete(turn, "IN_PROGRESS"))
            turn.prompt, turn.response = self.context.prompt(), {}
            return out + self._deliver(turn, turn.reply or delivery.reply)
        if not turn.called:
            out += self._call(turn, "after speech")
        turn.delivery = None
        turn.called = turn.called or self.blocked
        if self._unfinished:
            return out
        turn.generated = True
        return [*out, content({"generationComplete": True})]

    def _add_to_context(self, turn: _Turn, delivery: Delivery) -> None:
        self.examiner.delivered(delivery.reply, delivery.fraction)
        audio = 0 if self.config.text_only else self.context.audio_tokens(delivery.seconds)
        text = delivery.text
        self.context = self.context.add(
            Entry("model", "AUDIO", audio, text)
            if not self.config.text_only
            else Entry("model", "TEXT", self.context.text_tokens(text), text)
        )
        _count(turn.response, "AUDIO", audio)
        if self.config.text_only or self.config.model.text_per_audio:
            _count(turn.response, "TEXT", self.context.text_tokens(text))

    def _call(self, turn: _Turn, timing: str) -> list[Output]:
        calls = [c for c in (turn.reply.calls if turn.reply else ()) if c.timing == timing]
        if not calls or turn.called:
            return []
        turn.called = True
        return [self._send_calls(turn, calls)]

    def _send_calls(self, turn: _Turn, calls: list[Call]) -> Output:
        sent: list[Json] = []
        for call in calls:
            # Ids look like this on the Gemini API, and are absent on Vertex.
            number = f"function-call-{self._dice.randrange(10**18, 10**19)}"
            blocks = self.config.behavior(call.name) == "BLOCKING"
            self.pending[number] = blocks
            one: Json = {"name": call.name, "args": call.args}
            sent.append(one if self.config.vertex else {"id": number} | one)
            _count(turn.response, "TEXT", self.context.text_tokens(str(call.args)))
        return Send({"toolCall": {"functionCalls": sent}})

    def _complete(self, turn: _Turn, now: float) -> list[Output]:
        self._turn = None
        out: list[Output] = [self._turn_complete(turn, "IDLE"), self._note(turn, cut=False)]
        if self._ask_again_at is not None:
            self._ask_again_at = None
            self.ask(now)
            return out
        alone = self.examiner.unprompted()
        if self._queued is None and alone is not None:
            self._queued = (now + alone[0], alone[1])
        return out

    def _turn_complete(self, turn: _Turn, status: str) -> Send:
        message: Json = {"serverContent": {"turnComplete": True}}
        if self.config.model.status:
            message["serverContent"]["interactionStatus"] = status
        usage = self._usage(turn)
        return Send(message | ({"usageMetadata": usage} if usage else {}))

    def _bill(self, turn: _Turn) -> Bill:
        thoughts = self._scenario.usage.thoughts if turn.started else 0
        return Bill(turn.prompt or self.context.prompt(), turn.response, thoughts)

    def _usage(self, turn: _Turn) -> Json | None:
        rules = self._scenario.usage
        charged = turn.started or self.config.model.charges_cut
        if not rules.send or not charged:
            return None
        details = rules.details == "always" or (rules.details == "sometimes" and self.turns % 2 == 1)
        return usage_metadata(self._bill(turn), rules, details, self.config.vertex)

    def _note(self, turn: _Turn, cut: bool) -> Note:
        charged = turn.started or self.config.model.charges_cut
        bill = self._bill(turn).as_json() if charged else None
        sent = {"samples": turn.samples, "text": " ".join(turn.words)}
        return Note("turn.ended", {"turn": self.turns, "cut": cut, "sent": sent, "bill": bill})

    def interrupt(self, now: float) -> list[Output]:
        """Cut the reply: only what was already sent stays in the conversation."""
        self._queued = self._ask_again_at = None
        out: list[Output] = []
        cancelled = [number for number, blocks in self.pending.items() if blocks]
        if cancelled:
            self.examiner.cancelled()
            out.append(Send({"toolCallCancellation": {"ids": cancelled}}))
            for number in cancelled:
                del self.pending[number]
        turn = self._turn
        if turn is None:
            return out
        if not turn.started:
            self.turns += 1
            for _ in range(self.config.model.leaks):
                leak = Chunk(bytes(FIRST), "")
                out += messages(self.config, leak)
                turn.samples += FIRST // 2
        elif turn.delivery is not None and not turn.generated:
            self._add_to_context(turn, turn.delivery)
        self._turn = None
        out.append(content({"interrupted": True}))
        out.append(self._turn_complete(turn, "IDLE"))
        return [*out, self._note(turn, cut=True)]

    def answered(self, responses: list[Json], now: float) -> list[Output]:
        """Take the answers of functions; the model goes on when none is missing."""
        scheduling, known = "WHEN_IDLE", False
        for response in responses:
            number = response.get("id") or next(iter(self.pending), None)
            if response.get("willContinue") or number not in self.pending:
                # A call of an earlier connection stays unanswered (pipecat-ai/pipecat 5497).
                continue
            known = True
            del self.pending[number]
            scheduling = response.get("scheduling") or scheduling
            text = str(response.get("response", ""))
            entry = Entry("user", "TEXT", self.context.text_tokens(text), text)
            self.context = self.context.add(entry)
        if not known or self.pending:
            return []
        reply = self.examiner.thanks() if scheduling != "SILENT" else None
        turn = self._turn
        out: list[Output] = []
        if turn is not None and not turn.generated and turn.delivery is None:
            if reply is None:
                turn.generated = True
                return [content({"generationComplete": True})]
            return self._deliver(turn, reply)
        if scheduling == "INTERRUPT" and turn is not None and reply is not None:
            out += self.interrupt(now)
        if reply is not None:
            self._queued = (now + self._scenario.examiner.latency, reply)
        return out


def _count(counts: dict[str, int], modality: str, tokens: int) -> None:
    if tokens:
        counts[modality] = counts.get(modality, 0) + tokens
