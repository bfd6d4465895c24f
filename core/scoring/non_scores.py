"""Rules out numbers that are no scores by how they are said: asked, doubted, wished, denied, of other people."""

from core.scoring import cues, doubts
from core.scoring.amounts import Amount
from core.scoring.sentence import SAME, Phrases, View

EXEMPT = Phrases(doubts.EXEMPT)
QUESTIONS = Phrases(doubts.ALSO_QUESTIONS)
TO_THE_POINT = Phrases(doubts.TO_THE_POINT)
WEIGHTS = Phrases(cues.WEIGHTS)
PARTS = Phrases(doubts.IN_PARTS)
CUES = Phrases([cue.words for cue in doubts.CUES])
# "makes up about 30 percent"
WEIGHED = 4
NOW = frozenset({"now", "today"})
CO_ORDINATED = cues.CO_ORDINATES | cues.ARTICLES
ADVERBS = NOW | {"then", "here", "therefore"}
CUE = {tuple(cue.words.split()): cue for cue in doubts.CUES}


def is_question(view: View) -> bool:
    """Whether something is asked, so that nothing is stated."""
    if view.end < len(view.found) and view.found[view.end].text == "?":
        comma = max((i for i in range(view.start, view.end) if view.text(i) in cues.CLAUSE_MARKS), default=-1)
        return tuple(view.words(comma + 1, view.end)) not in doubts.TAGS if comma >= 0 else True
    i = view.start
    while view.text(i) in cues.OPENERS | {","}:
        i += 1
    return view.at(i, QUESTIONS) is not None


def _end(view: View, i: int, cue: doubts.Cue) -> int:
    """Where the reach of a cue ends whose words end before a token."""
    inside = {k for amount in view.values for k in range(amount.first, amount.last + 1)}
    comma = max((k for k in range(view.start, i) if view.text(k) == ","), default=view.end)
    relative = view.text(comma + 1) == "which"  # "a seven, which is more than most people get, and a six"
    while i < view.end:
        text = view.text(i)
        if i not in inside:
            if relative and text == ",":
                break
            if cue.far and (text in doubts.CONTRASTS or (cue.talk and _is_to_the_point(view, i))):
                break
            if not cue.far and (text in cues.CLAUSE_MARKS or (text in cues.CLAUSE_WORDS and _new_clause(view, i))):
                break
        i += 1
    return i


def _is_to_the_point(view: View, i: int) -> bool:
    if view.at(i, TO_THE_POINT):
        return True
    judged = tuple(view.words(i - 2, i)) in doubts.JUDGING
    return judged and any(view.stands(i, deserving) for deserving in doubts.DESERVING)


def _parenthesis(view: View, name: int) -> range:
    """The parenthesis behind the criterion that ends at a token: "your fluency | , and I have heard many, | is"."""
    i = name + 1
    if not any(view.stands(i, opening) for opening in cues.PARENTHESIS_OPENS):
        return range(0)
    for k in range(i + 1, view.end):
        if k in view.names:
            break
        if view.text(k) in cues.PARENTHESIS_CLOSES and view.text(k + 1) in cues.RESUMES:
            value = next((j for j in range(k + 2, k + 5) if view.value_at(j)), None)
            if value is not None and cues.LIGHT.issuperset(view.words(k + 1, value)):
                return range(i, k + 1)
    return range(0)


def _new_clause(view: View, i: int) -> bool:
    return view.text(i) != "and" or i + 1 in view.names or view.text(i + 1) in doubts.SUBJECTS | doubts.DECIDED


def governed(view: View) -> set[int]:
    """The tokens that stand under a cue."""
    dead = _weights(view)
    parentheses = [found for item in set(view.names.values()) if (found := _parenthesis(view, item.last))]
    for parenthesis in parentheses:
        dead |= {amount.first for amount in view.values if amount.first in parenthesis}
    i = view.start
    while i < view.end:
        exempt = view.at(i, EXEMPT)
        if exempt:
            i += len(exempt)
            continue
        part = _part(view, i)
        if part:
            reach = range(i + part, _part_end(view, i, i + part))
            dead |= _before(view, i) | {amount.first for amount in view.values if amount.first in reach}
            i += part
            continue
        cue = next(filter(None, (find(view, i) for find in FINDERS)), None)
        if cue is not None and i not in view.names:
            length = len(cue.words.split())
            within = min((one.stop for one in parentheses if i in one), default=view.end)
            reach = range(i, min(_end(view, i + length, cue), i + length + cue.reach, within))
            inside = [amount.first for amount in view.values if amount.first in reach]
            if cue.talk:  # "compared with last time your grammar has improved, it is a six now"
                inside = [a.first for a in view.values if a.first in inside and view.text(a.last + 1) not in NOW]
            dead |= set(inside[: cue.numbers]) | {k for k in reach if view.at(k, SAME)}
            if cue.back:
                dead |= _before(view, i)
            if cue.talk and view.text(i - 1) == "," and (i + length == view.end or view.text(i + length) in {",", ";"}):
                dead |= {a.first for a in view.values if a.first < i}  # "seven for fluency, you say"
        i += 1
    return dead


def _weights(view: View) -> set[int]:
    """The percentages of a sum: "content makes up 30 percent of the mark, delivery 30 percent"."""
    shares = [a for a in view.values if view.text(a.last + 1) in {"%", "percent"}]
    weighed = next((i for i in range(view.start, view.end) if view.at(i, WEIGHTS)), view.end)
    first = next((a for a in shares if a.first > weighed), None)
    if first is None or first.first - weighed > WEIGHED:
        return set()
    led = {a.first: a.first - 2 if view.text(a.first - 1) == "for" else a.first - 1 for a in shares}
    return {first.first} | {i for i, before in led.items() if i > weighed and before in view.names}


def _is_first(view: View, i: int) -> bool:
    """Whether nothing stands before a token but "so" and "well"."""
    return all(view.text(k) in cues.OPENERS | {","} for k in range(view.start, i))


def _advice(view: View, i: int) -> doubts.Cue | None:
    """ "Slow down a little, and pronunciation is an eight"."""
    if view.text(i) != "and" or not any(amount.first > i for amount in view.values):
        return None
    k = view.start
    while view.text(k) in {"so", "and", "well", ",", "just", "a", "bit", "little", "some"}:
        k += 1
    if view.text(i + 1) not in {"you", "it", "that", "your"} and i + 1 not in view.names:
        return None
    return doubts.Cue("and", far=True, back=False) if view.text(k) in doubts.ADVICE and k < i else None


def _cue(view: View, i: int) -> doubts.Cue | None:
    words = view.at(i, CUES)
    if words == ("to", "be") and not doubts.FINDS.isdisjoint(view.words(view.start, i)):
        return None  # "I find your grammar to be a six"
    if words == ("says",) and (view.text(i - 2) == "my" or view.text(i - 1) == "it"):
        return None  # "my form says six"
    cue = CUE[words] if words else None
    return None if cue and cue.first and not _is_first(view, i) else cue


def _conditional(view: View, i: int) -> doubts.Cue | None:
    """ "Better linking would give you a seven" is a condition; "that would be a seven" is politeness.

    Unless it goes on: "I would like to give you a seven, but", "that would be a seven, but you".
    """
    if view.text(i) != "would":
        return None
    if view.text(view.start) == "then" and view.text(view.start + 1) not in {"for", "on", "in", "as"}:
        return doubts.Cue("would")  # "suppose ... Then your overall would be"
    if view.text(view.start) == "without":
        return doubts.Cue("would")  # "without the pauses, fluency would be"
    if "a" in view.words(view.start, view.start + 2) and view.text(i - 1) not in {"i", "that", "it", "this"}:
        return doubts.Cue("would")  # "a good score for vocabulary would be"
    if view.text(i + 1) == "be" and view.text(i + 3) == "to" and view.text(i + 2) not in doubts.WILLING:
        return doubts.Cue("would")  # "it would be wrong to give you a seven"
    k = i - 1
    while view.text(k) in ADVERBS:
        k -= 1
    polite = view.text(k) in doubts.POLITE or k in view.names
    but = next((k for k in range(i, view.end) if view.text(k) == "but"), view.end)
    withdrawn = view.text(i + 1) == "like" and but < view.end
    withdrawn = withdrawn or (view.text(i + 1) == "be" and view.text(but + 1) in {"you", "it", "there", "your"})
    return doubts.Cue("would") if withdrawn or not polite else None


def _others(view: View, i: int) -> doubts.Cue | None:
    """ "My vocabulary is a nine", unless it is "my overall"; "Ana's vocabulary is a nine"."""
    owned = view.text(i) == "is" and i > view.start and view.found[i].start == view.found[i - 1].start
    if owned and i + 1 in view.names and view.text(i - 1) not in doubts.NOT_OWNERS:
        return doubts.Cue("is", far=True, talk=True, back=False)
    if view.text(i) == "written" and i + 1 in view.names:
        return doubts.Cue("written", far=True, talk=True, back=False)
    after = i + 2 if view.text(i + 1) == "own" else i + 1
    name = view.names.get(after) if view.text(i) in doubts.OTHERS else None
    return doubts.Cue(view.text(i), far=True, talk=True) if name and view.text(i + 1) not in doubts.SUMMING else None


def _judge(view: View, i: int) -> doubts.Cue | None:
    """ "Your last examiner gave your fluency a five"."""
    after = i + 2 if view.text(i + 1) in cues.AUXILIARIES and view.text(i + 2) in doubts.JUDGE else i + 1
    if view.text(i) not in doubts.JUDGES or view.text(after) not in doubts.JUDGE or view.text(i - 1) == "as":
        return None
    return doubts.Cue(view.text(i), far=True, talk=True, back=False)


def _retold(view: View, i: int) -> doubts.Cue | None:
    """ "I said seven for fluency earlier": what stands now is said elsewhere."""
    if view.text(i) != "i" or view.text(i + 1) not in doubts.SAID_BEFORE:
        return None
    value = next((amount for amount in view.values if amount.first > i), None)
    then = value is not None and not doubts.EARLIER.isdisjoint(view.words(value.last + 1, value.last + 5))
    return doubts.Cue("i", back=False, numbers=1) if then else None


def _part(view: View, i: int) -> int:
    """How many tokens name a part of the exam there: "in the second part", "by itself"."""
    phrase = view.at(i, PARTS)
    if phrase:
        return len(phrase)
    if view.text(i) in doubts.PART_NUMBERED and view.value_at(i + 1) and view.text(i - 1) not in cues.LEADS_IN:
        return 2
    if view.text(i) not in doubts.PART_LED:
        return 0
    k = i + 1
    while view.text(k) in doubts.PART_WHICH:
        k += 1
    if k > i + 1 and view.text(k + 1) in doubts.PART_NOUNS and view.text(k).isalpha() and k not in view.names:
        k += 1  # "for the picture task"
    return k + 1 - i if k > i + 1 and view.text(k) in doubts.PART_NOUNS else 0


def _part_end(view: View, start: int, i: int) -> int:
    """Where that ends for which a part of the exam, named on tokens `start` to `i`, was said."""
    while view.text(start - 1) in cues.OPENERS:
        start -= 1
    fronted = start == view.start or view.text(start - 1) in cues.CLAUSE_MARKS
    for k in range(i, view.end):
        if view.at(k, TO_THE_POINT) or (view.text(k) in cues.CLAUSE_WORDS and _new_clause(view, k)):
            return k
        if view.text(k) in cues.CLAUSE_MARKS and not (fronted and k <= i + 3):
            return k
    return view.end


def _means(view: View, i: int) -> doubts.Cue | None:
    """ "That is what fluency means at C1"."""
    return doubts.Cue(view.text(i)) if i - 1 in view.names and view.text(i) in doubts.MEANS else None


FINDERS = (_cue, _advice, _conditional, _others, _judge, _retold, _means)


def _before(view: View, i: int) -> set[int]:
    """The numbers that end just before a token: "a seven for grammar and a six for vocabulary | would"."""
    dead: set[int] = set()
    for amount in reversed([amount for amount in view.values if amount.last < i]):
        gap = {view.text(k) for k in range(amount.last + 1, i) if k not in view.names}
        if not (gap <= CO_ORDINATED if dead else _is_right_before(view, amount, i)):
            break
        dead.add(amount.first)
        i = amount.first
    return dead


def _is_right_before(view: View, amount: Amount, i: int) -> bool:
    gap = range(amount.last + 1, i)
    broken = any(view.text(k) in doubts.BREAKS or view.text(k) in cues.CLAUSE_MARKS for k in gap)
    return len(gap) <= 6 and not broken and sum(1 for k in gap if k not in view.names) <= 3
