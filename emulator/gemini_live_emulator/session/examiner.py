"""What the examiner says next. Its whole state is a `Progress`, which a session handle can restore."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Final, Literal

from gemini_live_emulator import scenario as settings
from gemini_live_emulator.protocol.functions import Function, Marks, choose
from gemini_live_emulator.wording import in_words, written

Timing = Literal["after speech", "before speech", "with speech"]

_SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[^\s])")
_AGAIN: Final = re.compile(r"\bsay it again\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the exam has come."""

    asked: int = 0  # questions asked; one more than there are when the exam is closed
    answers: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()  # the user's words since the last question
    again: int = 0  # how often this question was put again
    repeated: tuple[int, ...] = ()
    called: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A function call to send; the id is given by the conversation."""

    name: str
    args: object
    timing: Timing = "after speech"
    malformed: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What to say, what to call, and how far the exam is if all of it is delivered."""

    sentences: tuple[str, ...]
    then: Progress
    calls: tuple[Call, ...] = ()

    @property
    def text(self) -> str:
        """The whole of what is said."""
        return " ".join(self.sentences)


@dataclass
class Examiner:
    """Follows the question list of a scenario."""

    plan: settings.Examiner
    dice: Random
    functions: tuple[Function, ...] = ()
    progress: Progress = field(default_factory=Progress)

    def continue_after(self, said: Sequence[str]) -> None:
        """Continue the exam after a history: the questions that it contains have been asked."""
        if not self.plan.reads_history:
            return
        text, questions = " ".join(said), self.plan.questions
        asked = max((n for n, question in enumerate(questions, start=1) if question in text), default=0)
        closed = bool(asked) and self.plan.closing in text
        asked = len(questions) + 1 if closed else asked
        if asked > self.progress.asked:
            self.progress = replace(self.progress, asked=asked, parts=(), again=0)

    def answer(self, heard: str) -> Reply:
        """Reply to a finished turn of the user."""
        now, questions = self.progress, self.plan.questions
        if now.asked == 0:
            return self._say(f"{self.plan.opening} {questions[0]}", replace(now, asked=1))
        if _AGAIN.search(heard) and now.asked <= len(questions):
            return self._onward() if now.parts else self._say(questions[now.asked - 1], now)
        parts = (*now.parts, heard.strip()) if heard.strip() else now.parts
        now = self.progress = replace(now, parts=parts)
        if now.asked > len(questions):
            return self._afterwards(heard)
        if self.plan.kind == "speaking" and not parts and now.again == 0:
            words = f"{self.plan.again} {questions[now.asked - 1]}"
            return self._say(words, replace(now, again=1))
        return self._onward()

    def _onward(self) -> Reply:
        now, questions = self.progress, self.plan.questions
        answered = replace(now, asked=now.asked + 1, answers=(*now.answers, " ".join(now.parts)), parts=(), again=0)
        if now.asked == len(questions):
            return self._close(answered)
        thanks = self.plan.acknowledgements
        ack = thanks[(now.asked - 1) % len(thanks)] + " " if thanks else ""
        return self._say(ack + questions[now.asked], answered)

    def unprompted(self) -> tuple[float, Reply] | None:
        """Say whether the examiner goes on by itself after a turn: when, and with what."""
        now = self.progress
        if not 1 <= now.asked <= len(self.plan.questions):
            return None
        if now.asked in self.plan.repeats and now.asked not in now.repeated:
            again = replace(now, repeated=(*now.repeated, now.asked))
            return self.plan.repeat_after, self._say(self.plan.questions[now.asked - 1], again)
        if now.asked in self.plan.early and not now.parts:
            return self.plan.early_after, self._onward()
        return None

    def _afterwards(self, heard: str) -> Reply:
        # The exam is closed. A client may ask by name for the call that did not come, as the report
        # at discuss.ai.google.dev/t/116509 does; `call: none` stays none.
        now = self.progress
        function = choose(self.functions, self.plan.function)
        if function is not None and function.name.lower() in heard.lower() and not now.called:
            calls = self._calls("after speech")
            if calls:
                return Reply((), replace(now, called=len(calls)), calls)
        return self._say("The test is over. Thank you.", now)

    def _close(self, then: Progress) -> Reply:
        ending = self.plan.ending
        words = [self.plan.closing]
        if ending.speak != "none":
            words.append(self._scores(2 if ending.speak == "two" else None))
        if ending.block:
            lines = " ".join(f"{name}: {written(score)}" for name, score in self.plan.scores.items())
            words.append(f"[BAND_SCORES] {lines} [/BAND_SCORES]")
        if ending.promise:
            words.append("I will now report your scores.")
        calls: tuple[Call, ...] = ()
        if ending.when != "when asked" and self.dice.random() < ending.chance:
            calls = self._calls(ending.when, then)
        reply = self._say(" ".join(words), replace(then, called=len(calls)))
        return replace(reply, calls=calls)

    def _scores(self, most: int | None) -> str:
        say = written if self.plan.ending.numbers == "digits" else in_words
        said = [f"{name} {say(score)}" for name, score in self.plan.scores.items()]
        if most is None and len(said) > 1:
            return f"Your scores are: {', '.join(said[:-1])}, and {said[-1]}."
        return f"Your scores are: {', '.join(said[:most])}."

    def _calls(self, timing: Timing, then: Progress | None = None) -> tuple[Call, ...]:
        function, kind = choose(self.functions, self.plan.function), self.plan.ending.call
        if function is None or kind == "none":
            return ()
        marks = Marks(self.plan.scores, (then or self.progress).answers)
        match kind:
            case "empty":
                return (Call(function.name, {}, timing),)
            case "malformed":
                return (Call(function.name, {"scores": "6.5, 6, 6"}, timing, malformed=True),)
            case "unknown":
                return (Call("finish_exam", function.arguments(marks), timing),)
            case _:
                call = Call(function.name, function.arguments(marks), timing)
                return (call, call) if kind == "twice" else (call,)

    def thanks(self) -> Reply | None:
        """Reply to the answer of the function."""
        farewell = self.plan.ending.farewell
        return self._say(farewell, self.progress) if farewell else None

    def delivered(self, reply: Reply, fraction: float = 1.0) -> None:
        """Take note of how much of a reply the user was sent."""
        # A question of which less than half went out was not asked: the user is still speaking,
        # and the next words belong to the same answer.
        if fraction >= 0.5:
            self.progress = replace(
                reply.then,
                called=max(reply.then.called, self.progress.called),
            )

    def cancelled(self) -> None:
        """Take note that the user's interruption took the call back."""
        self.progress = replace(self.progress, called=0)

    def _say(self, text: str, then: Progress) -> Reply:
        return Reply(tuple(_SENTENCE.split(text.strip())), then)
