"""What is said to the model: the caller's windows, words nobody spoke, and the results of functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core import events
from core.live import messages
from core.live.actions import Action, AudioReplayed, Note, Transmit, WindowClosed
from core.live.connection import LiveConnectionMachine
from core.live.messages import Outgoing, ToolCallReceived
from core.live.replay_buffer import ReplayBuffer, with_aside
from core.live.tool_calls import ToolCalls

# Times a model that speaks unasked is stopped in one turn of the caller. Once is usual, for the window that stops it
# stays open. Twice is a service that cut its reply to the caller off as well, so that the window had to be ended. More
# would be an exchange of windows without end, with a caller who hears nothing: it is heard instead.
MOST_STOPPED = 2

# The result of a call that came before the candidate had finished. Uninformative results are asked for again and again
# (Google's migration guide to 3.8 Live), so it says what to do.
TOO_EARLY = {
    "status": "ignored",
    "retryable": True,
    "message": "The candidate has not finished the answer. Wait for the end of it, then call again.",
}


@dataclass
class Uplink:
    """Sends what can be sent now, keeps what has to wait for a function, and remembers what was not answered."""

    link: LiveConnectionMachine
    calls: ToolCalls
    unanswered: ReplayBuffer
    aside: str = ""  # what this connection has still to be told, with the next turn that is sent
    stopped: int = 0  # times that the model spoke unasked and was stopped, since the caller last began
    _window_left: bool = False  # the service has an open window although the caller is silent

    @property
    def owes(self) -> bool:
        """Whether either side still owes the other something."""
        return bool(self.calls.pending) or self.unanswered.pending

    @property
    def waits_for_answer(self) -> bool:
        """Whether the model has been sent all there is, and has not answered."""
        return self.link.up and not self.calls.pending and self.unanswered.pending

    def say(self, *items: Outgoing) -> list[Action]:
        """Send these together, after whatever waits for a function."""
        if self.calls.hold_back(items):
            return []
        for item in items:
            self.unanswered.sent(item)
        return [self._transmit(items)] if self.link.up else []

    def let_in(self) -> list[Action]:
        """Send what has waited for a function, unless one is still pending."""
        waiting = self.calls.let_in()
        return self.say(*waiting) if waiting else []

    def begin(self) -> list[Action]:
        """The caller's window opens, if the service has none open."""
        self.stopped = 0
        if not self._window_left:
            return self.say(messages.StartActivity())
        self._window_left = False
        self.unanswered.sent(messages.StartActivity())
        return []

    def leave_open(self) -> None:
        """The caller's turn was answered at its flush, and the window since is silent.

        Its end would be answered as well; the next turn is spoken into it instead.
        """
        self.calls.discard_waiting()  # silence, too
        self.unanswered.sent(messages.EndActivity())
        self._window_left = True

    def silence(self) -> list[Action]:
        """Stop a model that speaks unasked.

        An activity interrupts it, and what it has not said yet does not stay in its history (ActivityHandling in
        python-genai's types.py). The answer it has to wait for is spoken into that window.
        """
        if self._window_left or self.calls.pending or self.stopped >= MOST_STOPPED:
            return []
        self._window_left, self.stopped = True, self.stopped + 1
        return [Transmit((messages.StartActivity(),))]

    def end_window_left(self) -> list[Action]:
        """What is to be answered next is not spoken into the window that was left open."""
        if not self._window_left:
            return []
        self._window_left = False
        return [Transmit((messages.EndActivity(),))]

    def answer_after_all(self) -> list[Action]:
        """The reply for which a window was left open was cut off: the window is to be answered."""
        return self.end_window_left() if self.unanswered.pending else []

    def tell(self, text: str, *, speaking: bool = False, remember: bool = True) -> list[Action]:
        """Words nobody spoke; if not to `remember`, they are not said again on another connection.

        While the caller is `speaking` they go into his window: a turn of their own would end it for the service.
        """
        if speaking:
            return self.say(messages.InTurnText(text))
        ended = self.end_window_left()
        return [*ended, *(self.say(messages.TextTurn(text)) if remember else [Transmit((messages.TextTurn(text),))])]

    def result(self, id: str, name: str, result: dict[str, Any], told: str, *, speaking: bool) -> list[Action]:
        """The result of a function; in words, `told`, to a connection that does not know the call."""
        if self.calls.answered(id, told):
            return [Transmit((messages.ToolResult(id, name, result),)), *self.let_in()]
        # A resumed session does not know the call; it would ignore the result (pipecat-ai/pipecat#5497).
        return [*self.tell(told, speaking=speaking), *self.let_in()]

    def refuse(self, calls: Sequence[ToolCallReceived], now: float, result: dict[str, Any] = TOO_EARLY) -> list[Action]:
        """Answer calls that nobody serves: a model without an answer waits for ever."""
        actions: list[Action] = []
        for call in calls:
            self.calls.withdraw({call.id})
            actions.append(Note(events.ToolCalled(now, call.id, call.name, call.args)))
            actions.append(Transmit((messages.ToolResult(call.id, call.name, result),)))
        return [*actions, *self.let_in()]

    def again(self, now: float) -> list[Action]:
        """Say to a new connection what the last has not answered."""
        if not (again := self.unanswered.again()):
            return []
        numbers, actions = self.unanswered.numbers, list[Action]()
        if numbers:
            actions = [Note(events.TurnReplayed(now, numbers[0], numbers[-1])), AudioReplayed()]
        return [*actions, self._transmit(again)]

    def handle(self) -> list[Action]:
        """The session behind the newest handle knows all that was sent, unless it has still to be told something."""
        return [WindowClosed()] if not self.aside and self.unanswered.safe() else []

    def _transmit(self, items: Sequence[Outgoing]) -> Transmit:
        if self.aside and (told := with_aside(items, self.aside)) is not None:
            items, self.aside = told, ""
        return Transmit(tuple(items))

    def dropped(self) -> list[Action]:
        """The connection is gone, and the calls that were pending."""
        self._window_left = False
        for told in self.calls.dropped():
            self.unanswered.sent(messages.TextTurn(told))
        return self.let_in()
