"""Where the exam is: the utterances of the examiner and the caller, compared with the plan."""

import re
from dataclasses import dataclass, field

from core.exam.plan import ExamPlan, Slot
from core.exam.summary import summary
from core.text import shingles

# Share of a question's runs of three words from which an utterance counts as asking it. A model keeps the core of a
# question and changes its edges ("Could you tell me what ...").
SHINGLES_ALIKE = 0.4
# Where every run is broken, the words that carry the meaning decide: this share of them, and at least two.
WORDS_ALIKE = 0.6
# In one breath: "And where is that, and what is it like?" asks the next question too.
ALSO_ASKED = 0.6
# Of the words that close the exam, when they come before its last question.
CLOSES = 0.75
# When a limit has passed and nobody has said anything for so long, nobody is in the middle of an answer.
LULL = 8.0

# "Where?" in Latin, full width, Arabic, Greek, Armenian and Ethiopic.
QUESTION_MARKS = frozenset("?？؟\u037e՞፧⁇⁈")
_UNSPACED = re.compile("[\u0e00-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[\w']+")
# Long enough to be counted, and in any question.
_COMMON = frozenset(
    _WORD.findall(
        "about also been could does doing have just like many more much please really said should some tell that their"
        " them then there these they this those usual usually want were what when where which will with would your"
        " you're speak describe explain"
    )
)


@dataclass(frozen=True, slots=True)
class AnswerExpected:
    """A question has been asked: so many seconds of quiet end its answer, which lasts so long at least and may begin
    after so many seconds of thought.
    """

    silence: float | None
    at_least: float
    thinking: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Question `number` of `questions` has been asked."""

    number: int
    questions: int
    part: str
    question: str


@dataclass(frozen=True, slots=True)
class PartOver:
    """A time limit has passed and the moment is good: `instruction` tells the model what the examiner is to do."""

    instruction: str


@dataclass(frozen=True, slots=True)
class ScoringExpected:
    """Whether scores are expected from here on: once all is answered, until the examiner asks another question."""

    expected: bool


Action = AnswerExpected | Progress | PartOver | ScoringExpected


@dataclass
class ExamMachine:
    """Follows the exam: takes utterances, turns and time, answers with actions.

    A question that is recognised puts the exam there, whatever was counted before. One that is not counts as the
    next, but never leads into a part that has an introduction or into the end: a clarification is a question too.
    """

    plan: ExamPlan
    _place: int = -1  # index of the slot that was asked last
    _sure: int = -1  # ... and the last one that was recognised
    _introduced: int = -1  # the part whose introduction came last
    _texts: dict[int, int] = field(default_factory=dict[int, int])  # slot -> which of its questions was asked
    _answered: bool = False
    _recorded: bool = False  # the answer to the last recognised question is in the transcript: its reader knows it
    _own: int = 0  # questions that are not the plan's since the last recognised one
    _open: bool = False  # the last question of either kind has no answer in the transcript
    _asked: set[int] = field(default_factory=set[int])  # the slots the exam was at
    _expected: bool | None = None  # whether scores are; None: nothing has been recognised or counted yet
    _over: bool = False  # the examiner has closed the exam, or was instructed to give scores
    _began: float | None = None
    _part_began: float = 0.0
    _expired: set[int] = field(default_factory=set[int])  # parts whose limit was announced, -1 for the whole
    _caller_began: float = -1.0
    _caller_stopped: float = -1.0
    _caller_speaking: bool = False
    _examiner_speaking: bool = False
    _quiet_since: float = 0.0

    def examiner_said(self, text: str, started: float, now: float) -> list[Action]:
        """The examiner has finished an utterance that began at `started`."""
        if self._began is None:
            self._began = self._part_began = self._quiet_since = started
        if self._over:
            return []
        if self._closes(text):
            return self.scores_begun()
        self._notice_introduction(text)
        found = self._recognised(text)
        if found is None and not _asks(text):
            return []
        slot, which = found or (self._counted(), None)
        actions: list[Action] = []
        # A question that is not the plan's keeps the place; so does one that is repeated.
        if slot.number - 1 != self._place:
            actions += self._go_to(slot, started)
        self._asked.add(self._place)
        self._open = True
        if which is not None:
            self._sure, self._own, self._recorded = self._place, 0, False
            self._texts[self._place] = which
        else:
            self._own += 1
        self._answered = not self._caller_speaking and started < self._caller_began <= self._caller_stopped
        if not self._answered:
            waits = slot.waits(self._texts.get(self._place))
            actions.append(AnswerExpected(waits.silence, waits.at_least, waits.thinking))
        return [*actions, *self._weigh()]

    def caller_said(self) -> list[Action]:
        """The caller's answer is in the transcript."""
        if self._answered:
            self._recorded, self._open = True, False
        return []

    def examiner_speaks(self, speaking: bool, now: float) -> list[Action]:
        """Playback of the examiner to the caller has begun, or stopped."""
        self._examiner_speaking, self._quiet_since = speaking, now
        return []

    def caller_began(self, now: float) -> list[Action]:
        """The caller's turn has begun."""
        self._caller_speaking, self._caller_began = True, now
        return []

    def caller_stopped(self, now: float) -> list[Action]:
        """The caller has finished: the best moment to change the examiner's course, since it is about to speak."""
        self._caller_speaking, self._caller_stopped, self._quiet_since = False, now, now
        if self._place >= 0:
            self._answered = True
        return [*self._weigh(), *self._limits(now)]

    def scores_begun(self) -> list[Action]:
        """The examiner gives scores, or was instructed to: whatever it says from here on is no question of the plan."""
        self._over = True
        return self._weigh()

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        if self._over or self._caller_speaking or self._examiner_speaking:
            return None
        passed = [at for at, _ in self._pending()]
        return max(min(passed), self._quiet_since + LULL) if passed else None

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        deadline = self.deadline()
        return self._limits(now) if deadline is not None and now >= deadline else []

    def progress_summary(self) -> str:
        """Where the exam is, in a sentence for a model that has lost the conversation; empty when not known, and when
        it is over.
        """
        if self._place < 0 or self._expected or self._over:
            return ""
        return summary(self.plan, self._texts, self._sure, self._recorded, self._own, self._open)

    @property
    def asked(self) -> int:
        """How many questions of the plan the exam was at."""
        return len(self._asked)

    # --- within

    def _recognised(self, text: str) -> tuple[Slot, int] | None:
        """The slot that an utterance asks, and which of its questions that is."""
        ranked: list[tuple[float, Slot, int]] = []
        for slot in self.plan.slots[max(self._sure, 0) :]:
            mine = self._texts.get(slot.number - 1)
            asked = {self._texts.get(n) for n in range(self._place + 1) if self.plan.slots[n].group == slot.group}
            for which, question in enumerate(slot.texts):
                if which != mine and (mine is not None or which in asked):
                    continue  # of a list, another was chosen for this place, or this for another
                if (alike := likeness(text, question)) >= SHINGLES_ALIKE:
                    ranked.append((alike, slot, which))
        if not ranked:
            return None
        _, best, which = max(ranked, key=lambda one: (one[0], -one[1].number))
        for alike, slot, another in ranked:
            if slot.number == best.number + 1 and slot.group != best.group and alike >= ALSO_ASKED:
                self._texts.setdefault(best.number - 1, which)
                self._asked.add(best.number - 1)
                best, which = slot, another
        return best, which

    def _notice_introduction(self, text: str) -> None:
        """Notice that a part is being introduced: from there on its questions may be counted."""
        for number, part in enumerate(self.plan.parts):
            if number > self._part and part.introduction and likeness(text, part.introduction) >= SHINGLES_ALIKE:
                self._introduced = number

    def _counted(self) -> Slot:
        """The slot of a question that is none of the plan's: the next one, if it may be."""
        slots, after = self.plan.slots, self._place + 1
        if self._introduced > self._part:
            return next(slot for slot in slots if slot.part == self._introduced)
        if after == len(slots) or (after and not self._answered):
            return slots[self._place]  # a clarification, or another try
        if slots[after].part != self._part and self.plan.parts[slots[after].part].introduction:
            return slots[self._place]
        return slots[after]

    @property
    def _part(self) -> int:
        return self.plan.slots[max(self._place, 0)].part

    def _closes(self, text: str) -> bool:
        """Whether the examiner says that the exam is over. Before the last question only its very words count, since
        parts have an end too; and whatever ends in a question closes nothing.
        """
        enough = SHINGLES_ALIKE if self._place == len(self.plan.slots) - 1 else CLOSES
        closing = bool(self.plan.closing) and likeness(text, self.plan.closing) >= enough
        return closing and not _asks(text.rstrip(' "\u201d')[-1:])

    def _go_to(self, slot: Slot, started: float) -> list[Action]:
        if slot.part != self._part:
            self._part_began = started
        self._place = slot.number - 1
        return [Progress(slot.number, len(self.plan.slots), self.plan.parts[slot.part].name, slot.about)]

    def _weigh(self) -> list[Action]:
        """Say whether scores are expected, when that has changed."""
        last = self._place == len(self.plan.slots) - 1
        expected = self._over or (self.plan.scoring == "last answer" and last and self._answered)
        if expected == self._expected or (self._expected is None and self._place < 0 and not expected):
            return []
        self._expected = expected
        return [ScoringExpected(expected)]

    def _pending(self) -> list[tuple[float, int]]:
        """The limits that were not announced: when they pass, and of which part (-1: of the whole)."""
        limits: list[tuple[float, int]] = []
        if self._began is not None and self.plan.minutes is not None:
            limits.append((self._began + self.plan.minutes * 60, -1))
        part = self._part
        minutes = self.plan.parts[part].minutes
        if self._began is not None and minutes is not None and part + 1 < len(self.plan.parts):
            limits.append((self._part_began + minutes * 60, part))
        return [(at, which) for at, which in limits if which not in self._expired]

    def _limits(self, now: float) -> list[Action]:
        """What to instruct the examiner to do, now that nobody speaks."""
        passed = [which for at, which in self._pending() if now >= at]
        if self._over or not passed:
            return []
        self._expired.update(passed)
        if -1 in passed:
            self._over = True
            instruction = (
                f'The time of the test is over. Ask nothing more. Say "{self.plan.closing}" and go on with what comes'
                " after the last question."
            )
            return [PartOver(instruction), *self._weigh()]
        last = self._place + 1 >= len(self.plan.slots) or self.plan.slots[self._place + 1].part != passed[0]
        if last:
            return []  # the next question is the next part's anyway
        part = self.plan.parts[passed[0] + 1]
        first = next(slot for slot in self.plan.slots if slot.part == passed[0] + 1)
        return [
            PartOver(
                f"The time for part {passed[0] + 1} is over. Ask no more of its questions. Begin part"
                f" {passed[0] + 2}, {part.name}, now, with question {first.number}: {first.about}"
            )
        ]


def _asks(text: str) -> bool:
    return not QUESTION_MARKS.isdisjoint(text)


def likeness(text: str, question: str) -> float:
    """How much of a question is in what was said, from 0 to 1: its runs of three words, or its words of content.

    Of scripts without blanks each character counts as a word.
    """
    text, question = (_UNSPACED.sub(r" \g<0> ", one) for one in (text, question))
    wanted = shingles(question)
    runs = len(wanted & shingles(text)) / len(wanted) if wanted else 0.0
    content, said = _content_words(question), _content_words(text)
    shared = len(content & said)
    words = shared / len(content) if shared >= 2 else 0.0
    return max(runs, words if words >= WORDS_ALIKE else 0.0)


def _content_words(text: str) -> frozenset[str]:
    return frozenset(word for word in _WORD.findall(text.lower()) if len(word) > 3 and word not in _COMMON)
