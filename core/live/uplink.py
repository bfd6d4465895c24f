"""What is sent to the model: the caller's activity windows, text that nobody spoke, and the results of functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core import events
from core.live import messages
from core.live.actions import Action, AudioReplayed, Note, Transmit, WindowClosed
from core.live.connection import LiveConnectionMachine
from core.live.messages import Outgoing, ToolCallReceived
from core.live.replay_buffer import ReplayBuffer, with_text
from core.live.tool_calls import ToolCalls

# Unsolicited replies that are interrupted in one turn of the caller. One is usual, since the window that interrupts it
# stays open. Two are a service that cut off its reply to the caller as well, so that the window had to be closed. More
# would be an endless exchange of windows and a caller who hears nothing, so the next reply is played.
MAX_INTERRUPTIONS = 2

# The result of a call that came before the candidate had finished. Uninformative results are asked for again and again
# (Google's migration guide to 3.8 Live), so it says what to do.
TOO_EARLY = {
    "status": "ignored",
    "retryable": True,
    "message": "The candidate has not finished the answer. Wait for the end of it, then call again.",
}


@dataclass
class Uplink:
    """Sends what can be sent now, holds what has to wait for a function call, and buffers what has no answer yet."""

    connection: LiveConnectionMachine
    tool_calls: ToolCalls
    replay_buffer: ReplayBuffer
    preamble: str = ""  # text for a resumed session, sent with the next turn on this connection
    interruptions: int = 0  # unsolicited replies that were interrupted since the caller last started to speak
    _window_left_open: bool = False  # the service has an open window although the caller is silent

    @property
    def busy(self) -> bool:
        """Whether a function call or a turn is unanswered."""
        return bool(self.tool_calls.pending) or self.replay_buffer.pending

    @property
    def awaiting_reply(self) -> bool:
        """Whether the model has been sent all there is, and has not answered."""
        return self.connection.up and not self.tool_calls.pending and self.replay_buffer.pending

    def send(self, *items: Outgoing) -> list[Action]:
        """Send these together; while a function call is pending they are held."""
        if self.tool_calls.hold(items):
            return []
        for item in items:
            self.replay_buffer.add(item)
        return [self._transmit(items)] if self.connection.up else []

    def send_held(self) -> list[Action]:
        """Send what was held for a function call, unless one is still pending."""
        held = self.tool_calls.release()
        return self.send(*held) if held else []

    def open_window(self) -> list[Action]:
        """Open the caller's activity window, if the service has none open."""
        self.interruptions = 0
        if not self._window_left_open:
            return self.send(messages.StartActivity())
        self._window_left_open = False
        self.replay_buffer.add(messages.StartActivity())
        return []

    def leave_window_open(self) -> None:
        """The caller's turn was answered at its flush, and the window since is silent.

        Its end would be answered as well; the next turn is spoken into it instead.
        """
        self.tool_calls.discard_held()  # silence, too
        self.replay_buffer.add(messages.EndActivity())
        self._window_left_open = True

    def interrupt_model(self) -> list[Action]:
        """Interrupt an unsolicited reply by opening a window.

        An activity interrupts the model, and what it has not said yet does not stay in its history (ActivityHandling in
        python-genai's types.py). The answer it has to wait for is spoken into that window.
        """
        if self._window_left_open or self.tool_calls.pending or self.interruptions >= MAX_INTERRUPTIONS:
            return []
        self._window_left_open, self.interruptions = True, self.interruptions + 1
        return [Transmit((messages.StartActivity(),))]

    def close_window(self) -> list[Action]:
        """Close a window that was left open: what is to be answered next is not spoken into it."""
        if not self._window_left_open:
            return []
        self._window_left_open = False
        return [Transmit((messages.EndActivity(),))]

    def close_window_if_unanswered(self) -> list[Action]:
        """The reply for which a window was left open was cut off: close the window, so that it is answered."""
        return self.close_window() if self.replay_buffer.pending else []

    def instruct(self, text: str, *, speaking: bool = False, replayable: bool = True) -> list[Action]:
        """Send text that nobody spoke; if not `replayable`, it is not sent again on another connection.

        While the caller is `speaking` it goes into the open window: a turn of its own would end it for the service.
        """
        if speaking:
            return self.send(messages.InTurnText(text))
        turn = messages.TextTurn(text)
        return [*self.close_window(), *(self.send(turn) if replayable else [Transmit((turn,))])]

    def tool_result(self, id: str, name: str, result: dict[str, Any], as_text: str, *, speaking: bool) -> list[Action]:
        """Send the result of a function; `as_text`, the same in words, to a connection that does not know the call."""
        if self.tool_calls.answered(id, as_text):
            return [Transmit((messages.ToolResult(id, name, result),)), *self.send_held()]
        # A resumed session does not know the call; it would ignore the result (pipecat-ai/pipecat#5497).
        return [*self.instruct(as_text, speaking=speaking), *self.send_held()]

    def refuse(self, calls: Sequence[ToolCallReceived], now: float, result: dict[str, Any] = TOO_EARLY) -> list[Action]:
        """Answer calls that nobody serves with `result`: a model without an answer waits for ever."""
        actions: list[Action] = []
        for call in calls:
            self.tool_calls.cancel({call.id})
            actions.append(Note(events.ToolCalled(now, call.id, call.name, call.args)))
            actions.append(Transmit((messages.ToolResult(call.id, call.name, result),)))
        return [*actions, *self.send_held()]

    def replay(self, now: float, *, whole: bool = False) -> list[Action]:
        """Send to a new connection what is unanswered or unacknowledged; `whole`: as AudioReplayed has it."""
        if not (replayed := self.replay_buffer.replay()):
            return []
        numbers, actions = self.replay_buffer.numbers, list[Action]()
        if numbers:
            actions = [Note(events.TurnReplayed(now, numbers[0], numbers[-1])), AudioReplayed(whole)]
        return [*actions, self._transmit(replayed)]

    def handle_updated(self) -> list[Action]:
        """The session behind the newest handle has all that was sent, unless the preamble is still to be sent."""
        return [WindowClosed()] if not self.preamble and self.replay_buffer.acknowledged() else []

    def _transmit(self, items: Sequence[Outgoing]) -> Transmit:
        if self.preamble and (extended := with_text(items, self.preamble)) is not None:
            items, self.preamble = extended, ""
        return Transmit(tuple(items))

    def connection_ended(self) -> list[Action]:
        """The connection is gone, and with it the function calls that were pending."""
        self._window_left_open = False
        for as_text in self.tool_calls.connection_ended():
            text = messages.InTurnText if self.replay_buffer.window_is_open else messages.TextTurn
            self.replay_buffer.add(text(as_text))
        return self.send_held()
