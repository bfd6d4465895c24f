"""Fault injection: filters between a conversation and its shell that change, add or drop what is sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from gemini_live_emulator.faults.effects import Change, Emit, Patch, RefuseHttp, RefuseSetup
from gemini_live_emulator.faults.rewrites import names
from gemini_live_emulator.faults.rules import FaultRule
from gemini_live_emulator.protocol.outputs import Close, Note, Output, Send
from gemini_live_emulator.protocol.wire import Json, Refused, an_object
from gemini_live_emulator.scenario import Scenario

USUAL_TURN: Final = 2  # when a rule does not say, things go wrong in the second turn


@dataclass
class Fired:
    """How often each rule of a scenario fired on a server."""

    counts: Counter[int] = field(default_factory=Counter[int])


@dataclass
class _Armed:
    """A rule on this connection."""

    number: int
    rule: FaultRule
    seen: int = 0
    done: bool = False
    lucky: bool = True


class FaultInjector:
    """Applies the faults of a scenario to one connection."""

    def __init__(self, rules: Sequence[FaultRule], connection: int, seed: int, fired: Fired) -> None:
        self.connection = connection
        dice = self._dice = Random(f"faults {seed} {connection}")
        self._fired = fired
        self._armed = [_Armed(number, rule) for number, rule in enumerate(rules) if rule.applies_to(connection)]
        for armed in self._armed:
            if not isinstance(armed.rule.effect, Change):
                armed.lucky = dice.random() < armed.rule.chance
        self._set_up_at: float | None = None
        self._turn = self._messages = 0
        self._pending: set[str] = set()
        self._notes: list[Output] = []

    def patched(self, scenario: Scenario) -> Scenario:
        """Change the scenario as the faults of this connection want it."""
        changes: dict[str, Any] = {}
        for armed in self._armed:
            effect = armed.rule.effect
            if isinstance(effect, Patch) and self._fire(armed, "patched"):
                seconds, usual = armed.rule.seconds, effect.changes[0][1]
                for path, value in effect.changes:
                    _put(changes, path, seconds if seconds is not None and value == usual else value)
        return scenario.changed(**changes) if changes else scenario

    def refuse_upgrade(self) -> RefuseHttp | None:
        """Say whether the WebSocket upgrade is refused."""
        for armed in self._armed:
            effect = armed.rule.effect
            if isinstance(effect, RefuseHttp) and not effect.text and self._fire(armed, "refused"):
                return effect
        return None

    def refuse_text(self) -> RefuseHttp | None:
        """Say whether a request to the text endpoint is refused."""
        for armed in self._armed:
            effect = armed.rule.effect
            if isinstance(effect, RefuseHttp) and effect.text and self._fire(armed, "refused"):
                return effect
        return None

    def check_setup(self, resumes: bool) -> None:
        """Refuse a setup, if a fault wants it."""
        for armed in self._armed:
            effect = armed.rule.effect
            if not isinstance(effect, RefuseSetup) or (effect.resumes and not resumes):
                continue
            if self._fire(armed, "refused"):
                rule = armed.rule
                reason = effect.reason if rule.reason is None else rule.reason
                raise Refused(rule.code or effect.code, reason)

    def deadline(self) -> float | None:
        """Say when a fault is due."""
        times = [at for armed in self._armed if (at := self._due_at(armed)) is not None]
        return min(times, default=None)

    def filter(self, out: list[Output], now: float, message: Json | None) -> list[Output]:
        """Pass on what the conversation wants to do, with everything that goes wrong."""
        if not self._armed:
            return out
        result: list[Output] = []
        if message is not None:
            self._messages += 1
            result += self._moment(self._client_names(message))
        for output in out:
            if isinstance(output, Note) and output.what == "turn.started":
                self._turn += 1
            if not isinstance(output, Send):
                result.append(output)
                continue
            carried = names(output.message)
            if "setupComplete" in carried and self._set_up_at is None:
                self._set_up_at = now
            self._track(output.message)
            result += self._rewritten(output, now)
            result += self._moment(carried)
        for armed in self._armed:
            at, effect = self._due_at(armed), armed.rule.effect
            if at is not None and at <= now and isinstance(effect, Emit):
                result += self._emit(armed, effect)
        notes, self._notes = self._notes, []
        return notes + result

    def _client_names(self, message: Json) -> set[str]:
        found = set(message) | set(an_object(message.get("realtimeInput")) or {})
        for response in (an_object(message.get("toolResponse")) or {}).get("functionResponses", ()):
            self._pending.discard(response.get("id", ""))
        if "realtimeInput" in message and self._pending:
            found.add("inputDuringCall")
        return found

    def _track(self, message: Json) -> None:
        for call in (an_object(message.get("toolCall")) or {}).get("functionCalls", ()):
            self._pending.add(call.get("id", ""))
        cancelled = (an_object(message.get("toolCallCancellation")) or {}).get("ids", ())
        self._pending.difference_update(cancelled)

    def _moment(self, carried: set[str]) -> list[Output]:
        result: list[Output] = []
        for armed in self._armed:
            rule, effect = armed.rule, armed.rule.effect
            if not isinstance(effect, Emit) or armed.done or self._timed(armed):
                continue
            name = rule.on or effect.on or "audio"
            if name not in carried or not self._reached(armed, self._usual_turn(rule, effect)):
                continue
            armed.seen += 1
            if armed.seen >= rule.nth:
                result += self._emit(armed, effect)
        return result

    def _usual_turn(self, rule: FaultRule, effect: Emit) -> int:
        said = rule.turn or rule.message or rule.on or effect.on
        return rule.turn or (0 if said else USUAL_TURN)

    def _reached(self, armed: _Armed, turn: int) -> bool:
        return self._turn >= turn and self._messages >= (armed.rule.message or 0)

    def _timed(self, armed: _Armed) -> bool:
        return self._after(armed) is not None

    def _after(self, armed: _Armed) -> float | None:
        rule, effect = armed.rule, armed.rule.effect
        if not isinstance(effect, Emit):
            return None
        if rule.after is not None:
            return rule.after
        # A rule that names another moment is not held to the fault's usual time.
        return None if rule.on or rule.turn or rule.message else effect.after

    def _due_at(self, armed: _Armed) -> float | None:
        after = self._after(armed)
        if after is None or armed.done or self._set_up_at is None or not self._may(armed):
            return None
        return self._set_up_at + after

    def _may(self, armed: _Armed) -> bool:
        limit = armed.rule.limit()
        return armed.lucky and (limit is None or self._fired.counts[armed.number] < limit)

    def _fire(self, armed: _Armed, how: str) -> bool:
        if not self._may(armed):
            return False
        self._fired.counts[armed.number] += 1
        self._notes.append(Note("fault", {"fault": armed.rule.fault, "how": how}))
        return True

    def _emit(self, armed: _Armed, effect: Emit) -> list[Output]:
        # An emitted fault fires once a connection, unless the rule says more.
        armed.done = armed.rule.times is None or self._timed(armed)
        if not self._fire(armed, "emitted"):
            armed.done = True
            return []
        return [_altered(output, armed.rule) for output in effect.outputs]

    def _rewritten(self, output: Send, now: float) -> list[Output]:
        outputs: list[Output] = [output]
        for armed in self._armed:
            effect = armed.rule.effect
            if not isinstance(effect, Change):
                continue
            after: list[Output] = []
            for one in outputs:
                if not isinstance(one, Send) or not self._touches(armed, effect, one.message, now):
                    after.append(one)
                    continue
                changed = list(effect.rewrite(one.message))
                if changed != [one]:
                    self._fire(armed, "rewrote")
                after += changed
            outputs = after
        return outputs

    def _touches(self, armed: _Armed, effect: Change, message: Json, now: float) -> bool:
        carried, rule = names(message), armed.rule
        if effect.names and not effect.names & carried:
            return False
        if rule.on is not None and rule.on not in carried:
            return False
        if not self._reached(armed, rule.turn or 0):
            return False
        if rule.after is not None and (self._set_up_at is None or now < self._set_up_at + rule.after):
            return False
        armed.seen += 1
        return armed.seen >= rule.nth and self._may(armed) and self._dice.random() < rule.chance


def _altered(output: Output, rule: FaultRule) -> Output:
    if isinstance(output, Close):
        return replace(
            output,
            code=output.code if rule.code is None else rule.code,
            reason=output.reason if rule.reason is None else rule.reason,
        )
    if isinstance(output, Send) and "goAway" in output.message and rule.seconds is not None:
        return Send({"goAway": {"timeLeft": f"{rule.seconds:g}s"}})
    return output


def _put(changes: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    for key in above:
        changes = changes.setdefault(key, {})
    changes[last] = value
