"""The Live conversation: what is sent, what the caller gets to hear, and what survives a change of connection.

One machine for the whole of it. The shell tells it of the caller's turns and of what the service says, with the time,
and carries out what it answers. It holds the link (when to dial), what is unanswered (what to say again), the
watchdog (is the model late) and the memory check (does the model still know the exam).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from core import events, service
from core.closes import Verdict
from core.events import UtteranceSpoken
from core.link import Dial, GiveUp, HangUp, LinkAction, LinkMachine, LinkPolicy, LinkState
from core.live_actions import (
    Action,
    AskTool,
    Caption,
    Charge,
    CutSpeech,
    Hear,
    HearAgain,
    KeepText,
    Note,
    Play,
    Seed,
    Transmit,
)
from core.memory import Recall, go_on, seed
from core.replay import Shelf, Unanswered
from core.replies import Replies
from core.service import Outgoing, TokenCounts
from core.usage import AUDIO_TOKENS_PER_SECOND
from core.watch import Alarm, Watchdog, WatchPolicy

# What is said to a model that owes a reply and is silent. Nobody hears it.
NUDGE = "The candidate has finished. Please go on."
# What is said to a model whose caller has been silent for long.
PROMPT = "The candidate has been silent for a while. Ask whether they are still there, then repeat your question."
# Such prompts without an answer before the call is ended.
MOST_PROMPTS = 2
# Silent connections that are left one after the other before the model is given up.
MOST_LEFT = 3


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """How the conversation is held.

    `hold_while_speaking`: what the model says while the caller has the floor is dropped. `hold_during_calls`: nothing
    reaches the model while it waits for a function. `check`: the longest the first words after a reconnect are held
    back to see whether the model still knows the exam; 0 does not look. `idle`: seconds of everybody's silence after
    which the examiner is told to speak up.
    """

    link: LinkPolicy = field(default_factory=LinkPolicy)
    watch: WatchPolicy = field(default_factory=WatchPolicy)
    hold_while_speaking: bool = True
    hold_during_calls: bool = True
    check: float = 1.5
    idle: float | None = 40.0
    memory_seconds: float = 120.0


@dataclass
class LiveMachine:
    """Turns, messages and time in; actions out, in order."""

    policy: LivePolicy
    functions: frozenset[str] = frozenset()
    shelf: Shelf | None = None
    caller_speaking: bool = False
    _concluding: bool = False
    _calls: set[str] = field(default_factory=set[str])  # the model on this connection waits for these
    _delivered: list[str] = field(default_factory=list[str])  # results it has shown no sign of having taken
    _waiting: list[Outgoing] = field(default_factory=list[Outgoing])  # ... and this waits for them
    _resumable: bool | None = None
    _reseeded: bool = False
    _left: int = 0  # connections left one after the other because the model was silent
    _idle_since: float | None = None  # nothing is owed and nobody speaks
    _prompts: int = 0
    _cut: bool = False  # the model's turn was interrupted and has not been declared over
    _down_since: float | None = None
    _samples: int = 0  # of the caller's turn so far
    _rate: int = 0
    _audio: float = 0.0  # seconds of audio in the context, both sides
    _reply_audio: float = 0.0

    def __post_init__(self) -> None:
        self._link = LinkMachine(self.policy.link)
        self._watch = Watchdog(self.policy.watch)
        self._replies = Replies(self.policy.check)
        self.unanswered = Unanswered(self.policy.memory_seconds, self.shelf)

    @property
    def state(self) -> LinkState:
        """Where the link is."""
        return self._link.state

    @property
    def replying(self) -> bool:
        """Whether the caller is hearing the examiner, or about to."""
        return self._replies.speaking

    @property
    def owed(self) -> bool:
        """Whether an answer, and with it the text of the caller's last words, may still come."""
        return self._link.up and (self.caller_speaking or self.unanswered.pending)

    # --- the call

    def start(self, now: float) -> list[Action]:
        """The call begins: connect, so that the examiner can speak when the caller is there."""
        return self._did(self._link.start(now), now)

    def conclude(self) -> None:
        """The call is ending: nobody hears what the model says from here on."""
        self._concluding = True
        self._idle_since = None

    def close(self, now: float) -> list[Action]:
        """The call is over."""
        self._watch.rest()
        self._idle_since = None
        return self._did(self._link.close(now), now)

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        times = [self._link.deadline(), self._watch.deadline(), self._replies.deadline()]
        if self._idle_since is not None and self.policy.idle is not None:
            times.append(self._idle_since + self.policy.idle)
        return min((time for time in times if time is not None), default=None)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        actions = self._did(self._link.tick(now), now)
        if (due := self._replies.deadline()) is not None and now >= due:
            actions += self._replies.release()
        match self._watch.tick(now):
            case Alarm.NUDGE:
                actions += [Note(events.ModelLate(now, "nudge")), Transmit((service.Text(NUDGE),))]
            case Alarm.RECONNECT:
                actions += self._leave(now)
            case Alarm.SETTLE:
                actions += self._turn_done(now)
            case None:
                actions += self._idle(now)
        return actions

    # --- the caller

    def caller_began(self, now: float) -> list[Action]:
        """The caller has the floor."""
        self.caller_speaking = True
        self._prompts, self._idle_since = 0, None
        self._watch.rest()
        self._replies.drop()
        self.unanswered.recorded()
        return [*self._replies.finish(interrupted=True), *self._say(service.StartActivity())]

    def caller_audio(self, pcm: bytes, rate: int) -> list[Action]:
        """A piece of the caller's turn."""
        if not self.caller_speaking:
            return []
        self._audio += len(pcm) / 2 / rate
        self._samples, self._rate = self._samples + len(pcm) // 2, rate
        return self._say(service.Audio(pcm, rate))

    def flush(self) -> list[Action]:
        """Close the caller's window and open the next."""
        if not self.caller_speaking or self._calls:
            return []  # input during a call ends the connection on 2.5 (discuss.ai.google.dev/t/114644)
        return self._say(service.EndActivity(flush=True), service.StartActivity())

    def caller_stopped(self, now: float) -> list[Action]:
        """The caller has finished."""
        self.caller_speaking = False
        sent = events.TurnSent(now, self._samples, self._rate)
        self._samples = 0
        actions = [Note(sent), *self._say(service.EndActivity())]
        self._expect(now)
        return actions

    def tell(self, text: str, now: float) -> list[Action]:
        """Words for the model that nobody spoke."""
        actions = self._say(service.Text(text))
        self._expect(now)
        return actions

    def answer_tool(self, id: str, name: str, result: dict[str, Any], told: str, now: float) -> list[Action]:
        """A function has a result; `told` is the same in words, for a session that does not know the call."""
        actions: list[Action] = [Note(events.ToolAnswered(now, id, name))]
        if id in self._calls:
            self._calls.discard(id)
            self._delivered.append(told)
            actions.append(Transmit((service.ToolResult(id, name, result),)))
        else:
            # A resumed session does not know the call; it would ignore the result (pipecat-ai/pipecat#5497).
            actions += self._say(service.Text(told))
        actions += self._let_in()
        self._expect(now)
        return actions

    def played(self, now: float) -> list[Action]:
        """The caller has heard the reply to its end."""
        if self._idle_since is not None:
            self._idle_since = now
        if not self._replies.generated:
            return []
        self.unanswered.recorded()
        return [*self._replies.finish(interrupted=False)]

    # --- the link

    def opened(
        self,
        took: float,
        service_session: str | None,
        said: Sequence[UtteranceSpoken],
        resumed: bool,
        now: float,
        *,
        standing: str = "",
    ) -> list[Action]:
        """The connection is up. `said` is the conversation so far, for a session that does not know it, and
        `standing` is where the exam is.
        """
        gap = now - self._down_since if self._down_since is not None else 0.0
        self._down_since = None
        actions: list[Action] = [Note(events.LinkOpened(now, took, service_session, round(gap, 3)))]
        actions += self._did(self._link.opened(now), now)
        if resumed and self.unanswered.behind:
            # The handle is older than a turn that is over. Going on from it, the model would ask that question again.
            self.unanswered.safe()
            return actions + self._did(self._link.begin_afresh(now), now)
        self._replies.memory.reconnected()
        if not resumed and said:
            actions.append(Seed((*seed(said), ("user", go_on(said, standing)))))
        self.unanswered.behind = False
        if again := self.unanswered.again():
            numbers = self.unanswered.numbers
            if numbers:
                actions += [Note(events.TurnReplayed(now, numbers[0], numbers[-1])), HearAgain()]
            actions.append(Transmit(tuple(again)))
            self._expect(now)
        return actions

    def lost(self, code: int, reason: str, verdict: Verdict, meaning: str, number: int, now: float) -> list[Action]:
        """Connection `number` ended, or could not be opened."""
        over = (LinkState.WAITING, LinkState.DEGRADED, LinkState.CLOSED)
        if number != self._link.number or self._link.state in over:
            return []
        actions: list[Action] = [Note(events.LinkLost(now, code, reason, verdict.value))]
        actions += self._dropped(now)
        return actions + self._did(self._link.lost(verdict, meaning, now), now)

    def heard(self, event: service.Incoming, number: int, now: float) -> list[Action]:
        """The service said something on connection `number`."""
        if number != self._link.number or not self._link.up:
            return []
        if isinstance(event, service.AudioSpoken | service.TextSpoken | service.TurnDone | service.ToolAsked):
            self._delivered.clear()
        match event:
            case service.AudioSpoken(pcm, rate):
                length = len(pcm) / 2 / rate
                self._audio += length
                self._reply_audio += length
                self._watch.said(now, length)
                return self._speak(Play(pcm, rate), now)
            case service.TextSpoken(text):
                self._watch.said(now)
                return self._speak(Caption(text), now)
            case service.TextHeard(text):
                return [Hear(text)]
            case service.GenerationDone():
                return self._generation_done(now)
            case service.Interrupted():
                self._cut = True
                self.unanswered.interrupted()
                cut: list[Action] = [CutSpeech()] if self.replying else []
                return cut + self._replies.finish(interrupted=True)
            case service.TurnDone(reason):
                return self._turn_done(now, wants_more=reason == "NEED_MORE_INPUT")
            case service.ToolAsked(id, name, args):
                return self._call(id, name, args, now)
            case service.ToolsCancelled(ids):
                self._calls.difference_update(ids)
                return self._let_in()
            case service.GoingAway(time_left):
                return [
                    Note(events.GoAwayReceived(now, time_left)),
                    *self._did(self._link.go_away(time_left, now), now),
                    *self._move_if_quiet(now),
                ]
            case service.HandleGiven(handle):
                return self._handle(handle, now)
            case service.UsageSeen(counts):
                return self._billed(counts, now)
            case _:
                assert_never(event)

    # --- within

    def _did(self, actions: list[LinkAction], now: float) -> list[Action]:
        done: list[Action] = []
        for action in actions:
            match action:
                case Dial(handle, attempt, _):
                    done.append(Note(events.LinkDialed(now, attempt, handle is not None)))
                case HangUp():
                    # A move: whatever was pending on the old connection is orphaned.
                    done += self._dropped(now)
                case GiveUp(why):
                    done.append(Note(events.LinkGaveUp(now, why)))
                case _:
                    assert_never(action)
            done.append(action)
        return done

    def _leave(self, now: float) -> list[Action]:
        """The model is silent on a connection that is open."""
        self._left += 1
        if self._left > MOST_LEFT:
            return self._did(self._link.give_up("The model does not answer."), now)
        why = "The model fell silent and the connection was left."
        return [
            Note(events.ModelLate(now, "reconnect")),
            *self._did(self._link.leave(Verdict.RESUME, why, now), now),
        ]

    def _dropped(self, now: float) -> list[Action]:
        """The connection is gone, with the reply that was under way and the calls that were pending."""
        if self._down_since is None:
            self._down_since = now
        self._watch.rest()
        self._replies.drop()
        self._cut = False
        self._calls.clear()
        delivered, self._delivered = self._delivered, []
        for told in delivered:
            self.unanswered.sent(service.Text(told))
        return [*self._replies.finish(interrupted=True, dropped=True), *self._let_in()]

    def _say(self, *items: Outgoing) -> list[Action]:
        if self._calls and self.policy.hold_during_calls:
            self._waiting += items
            return []
        for item in items:
            self.unanswered.sent(item)
        return [Transmit(items)] if self._link.up else []

    def _let_in(self) -> list[Action]:
        if self._calls or not self._waiting:
            return []
        waiting, self._waiting = self._waiting, []
        return self._say(*waiting)

    def _idle(self, now: float) -> list[Action]:
        """Nobody speaks: the candidate has lost the thread, or is gone, or did not hear the question."""
        if self._idle_since is None or self.policy.idle is None or now < self._idle_since + self.policy.idle:
            return []
        self._idle_since = None
        self._prompts += 1
        if self._prompts > MOST_PROMPTS:
            return self._did(self._link.give_up("Nobody has spoken for a long time."), now)
        return [Note(events.ModelLate(now, "prompt")), *self.tell(PROMPT, now)]

    def _expect(self, now: float) -> None:
        self._idle_since = now
        if self._link.up and not self._calls and not self.caller_speaking and self.unanswered.pending:
            self._watch.asked(now)

    def _speak(self, what: Play | Caption, now: float) -> list[Action]:
        # After the call has ended nobody hears a reply. While the caller speaks it is one that nobody asked for: a
        # flush ends the user's turn for the model, which then begins to answer.
        if self._concluding or (self.caller_speaking and self.policy.hold_while_speaking):
            self._watch.rest()
            return []
        recall, speech = self._replies.say(what, now)
        return self._forgotten(now) if recall is Recall.LOST else [*speech]

    def _forgotten(self, now: float) -> list[Action]:
        """The model has begun the exam anew. Nobody has heard it yet: another session is told where the exam is."""
        self._replies.drop()
        if self._reseeded:
            actions: list[Action] = [Note(events.ContextLost(now, "degrade"))]
            return actions + self._did(self._link.give_up("The model has lost the conversation twice."), now)
        self._reseeded = True
        # Told where the exam stands, it may still put an old question again; from here on only a greeting counts.
        self._replies.memory.asked.clear()
        return [Note(events.ContextLost(now, "reseed")), *self._did(self._link.begin_afresh(now), now)]

    def _generation_done(self, now: float) -> list[Action]:
        recall, speech = self._replies.complete()
        if recall is Recall.LOST:
            return self._forgotten(now)
        self._watch.generated(now)
        if not self._watch.waits_for_reply:
            self._settle()
        return [*speech]

    def _turn_done(self, now: float, *, wants_more: bool = False) -> list[Action]:
        actions: list[Action] = [*self._replies.release()]
        if self._cut:
            self._cut = False  # the end of a reply that was cut off says nothing about the turn that cut it
            return [*actions, *self._replies.finish(interrupted=True), KeepText()]
        if self._watch.waits_for_reply and not wants_more:
            self._watch.hurry(now)
            return actions
        self._left = 0
        self._settle()
        self.unanswered.recorded()
        self._watch.rest()
        self._idle_since = None if self.caller_speaking else now
        return [*actions, *self._replies.finish(interrupted=False), *self._move_if_quiet(now)]

    def _settle(self) -> None:
        self.unanswered.answered()

    def _move_if_quiet(self, now: float) -> list[Action]:
        busy = self.caller_speaking or self.replying or self._calls or self.unanswered.pending
        return [] if busy else self._did(self._link.quiet(now), now)

    def _call(self, id: str, name: str, args: dict[str, Any], now: float) -> list[Action]:
        called = Note(events.ToolCalled(now, id, name, args))
        if name not in self.functions:
            return [called, Transmit((service.ToolResult(id, name, {"error": f"there is no function {name}"}),))]
        self._calls.add(id)  # before anyone is told: from here on nothing else is sent
        self._watch.rest()
        self._settle()
        return [called, AskTool(id, name, args)]

    def _handle(self, handle: str | None, now: float) -> list[Action]:
        self._link.handle(handle)
        if handle is not None:
            self.unanswered.safe()
        if (resumable := handle is not None) == self._resumable:
            return self._move_if_quiet(now) if resumable else []
        self._resumable = resumable
        return [Note(events.HandleReceived(now, resumable)), *(self._move_if_quiet(now) if resumable else [])]

    def _billed(self, counts: TokenCounts, now: float) -> list[Action]:
        context, reply = self._audio * AUDIO_TOKENS_PER_SECOND, self._reply_audio * AUDIO_TOKENS_PER_SECOND
        self._reply_audio = 0.0
        charge = Charge(counts, round(context), round(reply))
        if self._replies.memory.billed(counts.prompt_total) is Recall.LOST and self._replies.holding:
            return [charge, *self._forgotten(now)]
        return [charge]
