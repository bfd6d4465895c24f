"""Which numbers of a sentence are no scores by how it is said: asked, doubted, wished, denied, told of others."""

from core.scoring import cues
from core.scoring.sentence import SAME, Phrases, View

EXEMPT = Phrases(cues.EXEMPT)
QUESTIONS = Phrases(cues.ALSO_QUESTIONS)
TO_THE_POINT = Phrases(cues.TO_THE_POINT)
CUES = Phrases([cue.words for cue in cues.CUES])
NOW = frozenset({"now", "today"})
CUE = {tuple(cue.words.split()): cue for cue in cues.CUES}


def is_question(view: View) -> bool:
    """Whether something is asked, so that nothing is stated."""
    if view.end < len(view.found) and view.found[view.end].text == "?":
        comma = max((i for i in range(view.start, view.end) if view.text(i) in cues.CLAUSE_MARKS), default=-1)
        return tuple(view.words(comma + 1, view.end)) not in cues.TAGS if comma >= 0 else True
    i = view.start
    while view.text(i) in cues.OPENERS | {","}:
        i += 1
    return view.at(i, QUESTIONS) is not None


def _end(view: View, i: int, cue: cues.Cue) -> int:
    """Where the reach of a cue ends whose words end before a token."""
    inside = {k for amount in view.values for k in range(amount.first, amount.last + 1)}
    while i < view.end:
        text = view.text(i)
        if i not in inside:
            if cue.far and (text in cues.CONTRASTS or (cue.talk and view.at(i, TO_THE_POINT))):
                break
            if not cue.far and (text in cues.CLAUSE_MARKS or (text in cues.CLAUSE_WORDS and _new_clause(view, i))):
                break
        i += 1
    return i


def _new_clause(view: View, i: int) -> bool:
    return view.text(i) != "and" or i + 1 in view.taken or view.text(i + 1) in cues.SUBJECTS


def governed(view: View) -> set[int]:
    """The tokens that stand under a cue."""
    dead: set[int] = set()
    i = view.start
    while i < view.end:
        exempt = view.at(i, EXEMPT)
        if exempt:
            i += len(exempt)
            continue
        cue = _cue(view, i) or _conditional(view, i)
        if cue is not None and i not in view.taken:
            length = len(cue.words.split())
            reach = range(i, min(_end(view, i + length, cue), i + length + cue.reach))
            inside = [amount.first for amount in view.values if amount.first in reach]
            if cue.talk:  # "compared with last time your grammar has improved, it is a six now"
                inside = [a.first for a in view.values if a.first in inside and view.text(a.last + 1) not in NOW]
            dead |= set(inside[: cue.numbers]) | {k for k in reach if view.at(k, SAME)}
            if cue.back:
                dead |= _before(view, i)
        i += 1
    return dead


def _cue(view: View, i: int) -> cues.Cue | None:
    words = view.at(i, CUES)
    return CUE[words] if words else None


def _conditional(view: View, i: int) -> cues.Cue | None:
    """ "Better linking would give you a seven" is a condition; "that would be a seven" is politeness.

    Unless it goes on: "I would like to give you a seven, but", "that would be a seven, but you".
    """
    if view.text(i) != "would":
        return None
    if view.text(view.start) == "then":
        return cues.Cue("would")  # "suppose ... Then your overall would be"
    polite = view.text(i - 1) in cues.POLITE or i - 1 in view.taken
    but = next((k for k in range(i, view.end) if view.text(k) == "but"), view.end)
    taken_back = view.text(i + 1) == "like" and but < view.end
    taken_back = taken_back or (view.text(i + 1) == "be" and view.text(but + 1) in {"you", "it", "there", "your"})
    return cues.Cue("would") if taken_back or not polite else None


def _before(view: View, i: int) -> set[int]:
    """The start of a number that ends just before a token: "a seven for grammar | requires"."""
    for amount in view.values:
        gap = range(amount.last + 1, i)
        if 0 <= i - amount.last - 1 <= 6 and not any(
            view.text(k) in cues.BREAKS or view.text(k) in cues.CLAUSE_MARKS for k in gap
        ):
            loose = [k for k in gap if k not in view.taken]
            if len(loose) <= 3:
                return {amount.first}
    return set()
