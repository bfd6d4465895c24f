"""What two pairs of ears heard, made into one transcript that is recorded once.

The dialogue's own ears are the first. Where their text has a hole, the second pair is asked for that stretch; where
the second pair hears every turn anyway, the better text of the two is taken. An utterance waits for that a bounded
time. Whatever version is not recorded as the utterance is kept as a fact of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from core.events import AlternativeTranscribed, Event, GapFound, GapRepaired, Timed, TranscriptMeasured, UtteranceSpoken
from core.events.speech import Source
from core.transcript.gaps import LEAST_UNTOLD, Axis, Gap, GapPolicy, find_gaps, placed, reach, trailing_gap
from core.transcript.overlap import content, share
from core.transcript.splice import around, between, splice
from core.transcript.timing import Heard, joined, of_arrivals, within
from core.transcript.values import FinishedUtterance, Fragment, VoiceSpan

# How much further than the hole the second ears are asked to listen, before and behind it: text is up to 4 s behind the
# voice and may come in lumps, so a hole is known to some seconds only. What is heard twice is found by its words.
MARGIN = 8.0
# Seconds from one look at an unfinished turn to the next: it costs a millisecond or two, between frames of audio.
LOOK = 2.0
# Seconds of waiting for each second of voice to be heard again; offline ears take a tenth of it on an idle core.
_PATIENCE = 0.25
# Text that is late and has this much of it in the record already is the same words.
_SAME = 0.6
# The second ears' text is fuller only with so many more words: two recognisers never agree to the word.
_FULLER = 1.05

Prefer = Literal["live", "shadow", "fuller"]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Record:
    """This was said."""

    spoken: UtteranceSpoken


@dataclass(frozen=True, slots=True)
class Note:
    """A fact for the log."""

    event: Event


@dataclass(frozen=True, slots=True)
class Ask:
    """Have the second ears listen to this stretch; they answer with these times."""

    started: float
    ended: float


Action = Record | Note | Ask


@dataclass(frozen=True, slots=True)
class RepairPolicy:
    """`wait` is how long an utterance waits for the second ears at least, in seconds."""

    gaps: GapPolicy = field(default_factory=GapPolicy)
    wait: float = 5.0
    prefer: Prefer = "fuller"


@dataclass
class _Held:
    """An utterance of the caller that may still get better."""

    said: FinishedUtterance
    until: float
    gaps: list[Gap]


class TranscriptRepair:
    """Finished utterances, the second ears' text and time in; what to record and what to ask out."""

    def __init__(self, policy: RepairPolicy) -> None:
        self._policy = policy
        self._ears: Literal["none", "gaps", "always"] = "none"
        self._held: list[_Held] = []
        self._asked: dict[Span, Gap] = {}  # by what was asked
        self._answers: dict[Span, str] = {}
        self._wholes: list[tuple[Span, Sequence[Heard]]] = []  # of whole turns that belong to no utterance yet
        self._late: dict[Span, FinishedUtterance] = {}  # asked for, and recorded without it
        self._repaired: list[UtteranceSpoken] = []
        self._looked = 0.0
        self._voiced = self._lacking = 0.0
        self._found = self._mended = 0
        self._told: tuple[float, float, int, int] | None = None

    # --- in

    def ears(self, always: bool) -> None:
        """Second ears are there; `always` when they send the text of every turn unasked."""
        self._ears = "always" if always else "gaps"

    def progress(self, pieces: Sequence[Fragment], voice: Sequence[VoiceSpan], now: float) -> list[Action]:
        """The caller's utterance so far: a hole with enough text behind it is found at once."""
        if now < self._looked + LOOK:
            return []
        self._looked = now
        return self._found_now(voice, pieces, find_gaps(voice, pieces, self._policy.gaps, over=False), now)

    def settled(self, pieces: Sequence[Fragment], voice: Sequence[VoiceSpan], now: float) -> list[Action]:
        """The caller's utterance has all of its text, though it is not recorded yet: its holes are known."""
        return self._found_now(voice, pieces, find_gaps(voice, pieces, self._policy.gaps), now)

    def said(self, said: FinishedUtterance, now: float) -> list[Action]:
        """An utterance is finished."""
        if said.spoken.speaker == "examiner":
            return [Record(said.spoken)]
        if not said.voice and (otherwise := self._known(said.spoken, now)):
            return otherwise
        found = find_gaps(said.voice, said.pieces, self._policy.gaps)
        actions = self._found_now(said.voice, said.pieces, found, now)
        if said.spoken.partial and not found and (end := trailing_gap(said.voice, said.pieces, self._policy.gaps)):
            # It broke off: with the call, or with a link that was given up.
            found = [end]
            actions = self._found_now(said.voice, said.pieces, found, now, least=LEAST_UNTOLD)
        voiced = Axis(said.voice).length
        self._voiced += voiced
        held = _Held(said, now + self._policy.wait + _PATIENCE * voiced, found)
        if self._ready(held):
            return actions + self._finish(held, now)
        self._held.append(held)
        return actions

    def second(
        self, text: str, started: float, ended: float, repaired: bool, now: float, heard: Sequence[Heard] = ()
    ) -> list[Action]:
        """The second ears have heard the caller say this; `heard` is the same piece by piece, where it is known."""
        span = (started, ended)
        if not repaired:
            self._wholes.append((span, heard or [(text, started, ended)]))
        elif (hole := self._asked.get(span)) is not None and span not in self._answers:
            self._answers[span] = text
            actions: list[Action] = [Note(GapRepaired(now, hole.started, hole.ended, text))]
            if (said := self._late.pop(span, None)) is not None:
                return actions + self._too_late(said, hole, text, now)
            return actions + self._finish_ready(now)
        return self._finish_ready(now)

    @property
    def waiting(self) -> bool:
        """Whether an utterance is held for the second ears."""
        return bool(self._held)

    def deadline(self) -> float | None:
        """When `tick` has something to do."""
        return min((held.until for held in self._held), default=None)

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        actions: list[Action] = []
        for held in [held for held in self._held if now >= held.until]:
            self._held.remove(held)
            actions += self._finish(held, now)
        return actions

    def end(self, now: float) -> list[Action]:
        """The call is over: nothing waits any more, and every word that was heard is recorded."""
        actions: list[Action] = []
        for held in self._held:
            actions += self._finish(held, now)
        self._held = []
        for (started, ended), heard in self._wholes:
            text, times = joined(heard)
            actions += self._of_its_own(text, started, ended, "shadow", now, times)
        self._wholes = []
        measured = (self._voiced, self._lacking, self._found, self._mended)
        if self._voiced and measured != self._told:
            self._told = measured
            complete = 1 - min(1.0, self._lacking / self._voiced)
            voiced = round(self._voiced, 3)
            actions.append(Note(TranscriptMeasured(now, round(complete, 3), voiced, self._found, self._mended)))
        return actions

    # --- holes

    def _found_now(
        self,
        voice: Sequence[VoiceSpan],
        pieces: Sequence[Fragment],
        found: Sequence[Gap],
        now: float,
        least: float | None = None,
    ) -> list[Action]:
        actions: list[Action] = []
        least = self._policy.gaps.least_voice if least is None else least
        for hole in found:
            known = [one for one in self._asked.values() if one.meets(hole)]
            # Found while the turn went on, and longer now: only the rest is news.
            started = max((one.ended for one in known), default=hole.started)
            if hole.ended - started < least:
                continue
            new = replace(hole, started=started)
            actions.append(Note(GapFound(now, new.started, new.ended, new.words)))
            span = reach(new, voice, pieces, MARGIN)
            self._asked[span] = new
            if self._ears == "gaps":
                actions.append(Ask(*span))
        return actions

    def _too_late(self, said: FinishedUtterance, hole: Gap, heard: str, now: float) -> list[Action]:
        """The utterance is recorded and stays as it is; what was missing stands beside it, at its time."""
        before, after = around(placed(said.voice, said.pieces, self._policy.gaps), hole)
        text = " ".join(between(before, heard.split(), after))
        if text:
            self._mended += 1
            self._lacking -= hole.voiced
        return self._of_its_own(text, hole.started, hole.ended, "repaired", now)

    def _within(self, hole: Gap, said: FinishedUtterance) -> bool:
        return any(one.started <= hole.ended and hole.started <= one.ended for one in said.voice)

    def _asked_of(self, said: FinishedUtterance) -> list[tuple[Span, Gap]]:
        return sorted((span, hole) for span, hole in self._asked.items() if self._within(hole, said))

    # --- utterances

    def _ready(self, held: _Held) -> bool:
        if self._ears == "always":
            last = max((span[1] for span, _ in self._wholes_of(held.said)), default=0.0)
            return not held.said.voice or last >= held.said.voice[-1].ended - self._policy.gaps.least_voice
        if self._ears == "gaps":
            return not held.gaps or all(span in self._answers for span, _ in self._asked_of(held.said))
        return True

    def _wholes_of(self, said: FinishedUtterance) -> list[tuple[Span, Sequence[Heard]]]:
        if not said.voice:
            return []
        first, last = said.voice[0].started, said.voice[-1].ended
        return [whole for whole in self._wholes if whole[0][0] < last and first < whole[0][1]]

    def _finish_ready(self, now: float) -> list[Action]:
        actions: list[Action] = []
        for held in [held for held in self._held if self._ready(held)]:
            self._held.remove(held)
            actions += self._finish(held, now)
        return actions

    def _finish(self, held: _Held, now: float) -> list[Action]:
        said, live = held.said, held.said.spoken.text
        wholes = self._wholes_of(said)
        self._wholes = [one for one in self._wholes if one not in wholes]
        second, times = joined([one for _, heard in wholes for one in heard])
        asked = self._asked_of(said)
        repairs = [(hole, self._answers[span]) for span, hole in asked if span in self._answers]
        self._late |= {span: said for span, _ in asked if span not in self._answers and self._ears == "gaps"}
        lacking = sum(hole.voiced for hole in held.gaps)
        self._found += len(held.gaps)
        spoken = replace(said.spoken, times=of_arrivals(said.pieces, said.voice))
        if second and self._takes(second, live):
            spoken = replace(spoken, text=second, source="shadow", times=times)
        elif held.gaps and (mended := splice(said, repairs, self._policy.gaps)) is not None:
            # What stands where in a text that was put together is not kept.
            spoken = replace(spoken, text=mended, source="repaired", times=())
        spoken = replace(spoken, times=within(spoken.times, spoken.started, spoken.ended))
        if spoken.source != "live":
            self._repaired.append(spoken)
            known = [hole for hole, text in repairs if text]
            closed = [hole for hole in held.gaps if spoken.source == "shadow" or any(map(hole.meets, known))]
            self._mended += len(closed)
            lacking -= sum(hole.voiced for hole in closed)
        self._lacking += lacking
        versions: tuple[tuple[str, Source], ...] = ((live, "live"), (second, "shadow"))
        actions: list[Action] = [
            Note(AlternativeTranscribed(now, spoken.started, spoken.ended, text, source))
            for text, source in versions
            if text and text != spoken.text
        ]
        return [*actions, Record(replace(spoken, at=now))] if spoken.text else actions

    def _takes(self, second: str, live: str) -> bool:
        if self._policy.prefer == "fuller":
            return content(second) > _FULLER * content(live)
        return self._policy.prefer == "shadow" or not live

    def _known(self, spoken: UtteranceSpoken, now: float) -> list[Action]:
        """Text that came after its turn was recorded, and that the second ears had supplied by then."""
        near = [one for one in self._repaired if one.started - 1 <= spoken.started <= one.ended + 1]
        if any(share(spoken.text, one.text) >= _SAME for one in near):
            return [Note(AlternativeTranscribed(now, spoken.started, spoken.ended, spoken.text, "live"))]
        return []

    def _of_its_own(
        self, text: str, started: float, ended: float, source: Source, now: float, times: Sequence[Timed] = ()
    ) -> list[Action]:
        if not text:
            return []
        known = within(times, started, ended)
        spoken = UtteranceSpoken(now, "caller", text, started, max(started, ended), source=source, times=known)
        self._repaired.append(spoken)
        return [Record(spoken)]
