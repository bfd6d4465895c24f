"""Whether a number is a score, by the words right before and behind it."""

from itertools import groupby

from core.scoring import cues
from core.scoring.amounts import Amount, denominator
from core.scoring.rubric import LabelScale, OffScale, Scale
from core.scoring.sentence import REPAIRS, Number, View
from core.scoring.words import CUT

# Less of a word than this may be anything: "a six, u".
SHORTEST = 3


def number(view: View, amount: Amount, scale: Scale) -> Number | None:
    """The score an amount is, or None when the words around it make it something else."""
    last, why = denominator(view.found, amount, scale)
    value_last = last
    if view.text(last + 1) == "flat" and (not view.text(last + 2).isalnum() or view.text(last + 2) in {"for", "in"}):
        last += 1  # "an eight flat"
    lead = amount.first - 1
    while (
        view.text(lead) in cues.ARTICLES or _praises(view, lead) or _is_round(view, lead)
    ) and lead not in view.names:
        lead -= 1
    if view.text(lead) == "not":
        view.skipped |= set(range(lead, last + 1))  # "a seven, not a six, for fluency"
    if not _led_to(view, amount, lead, last, scale) or not _followed_by(view, amount, last):
        return None
    value = amount.value
    if not why and value is None:
        why = "it was cut off"
    if not why and amount.open and _is_cut(view, last):
        why = "it was cut off"
    if not why:
        try:
            value = scale.take(value or 0.0)
        except OffScale as error:
            why = str(error)
    return Number(amount.first, last, None if why else value, why, _is_strong(view, amount, lead, value_last, scale))


def _is_cut(view: View, last: int) -> bool:
    """Whether the speaker was broken off where more of the number might have come."""
    if last + 1 == view.end and _breaks(view, view.end + 1) and view.found[last].kind == "number":
        return True  # "6." of "6.5"
    breaks = next((i for i in range(last + 1, min(last + 6, view.end + 1)) if _breaks(view, i)), None)
    if breaks is None:
        return False
    words = [word for word in view.words(last + 1, breaks) if word[:1].isalpha()]
    said = "".join(word for word, _ in groupby(words))  # "six and, and"
    if not said:
        return view.text(breaks) not in {"for", "in", "on"}  # goes on with its criterion: the number was whole
    return any(more.startswith(said) for more in ("andahalf", "andonehalf", "point")) or len(said) < SHORTEST


def _breaks(view: View, i: int) -> bool:
    here = view.found[i : i + 2]
    if i == view.end and len(here) == 2 and here[0].text == "\n":
        return here[1].torn
    return bool(here) and (here[0].torn or here[0].text == CUT)


def _led_to(view: View, amount: Amount, lead: int, last: int, scale: Scale) -> bool:
    word, before = view.text(lead), view.text(lead - 1)
    earlier = [other for other in view.values if other.last < amount.first]
    if amount.first == amount.last and view.text(amount.first) == "one" and _is_pronoun(view, amount.first):
        return False
    if _is_anothers(view, lead) or _is_general(view, amount, lead, last):
        return False
    counter = amount.first - 1
    numbered = view.text(counter).removesuffix("s") in cues.NUMBERED  # "part one", "the years six and seven"
    if numbered and counter not in view.names and not _is_round(view, counter):
        return False
    if lead in view.names:
        return True
    if word == "had" and lead == amount.first - 1:
        return False  # "part one had six questions, and vocabulary had eight"
    if word == "than" and before == "less" and view.text(lead - 2) in {"nothing", "no"}:
        return True
    brings = lead < amount.first - 1 and before.endswith("s")  # "grammar brings in a six"
    if word == "in" and (brings or isinstance(scale, LabelScale)):
        return True  # "that lands you in B2"
    if word == "for" and before in cues.CHOSEN:
        return lead - 1 > view.start  # "go for a seven" is advice
    if word == "in" and before in cues.PLACED:
        return "band" in view.words(lead, amount.first)  # "that puts you in band 6"
    if word == "about" and before == "talking":
        return True
    if word == "off" and before in {"pull", "pulled", "pulls"}:
        return True
    if word == "worth":
        return last == amount.last  # "worth 25 percent" is a weight
    if word == "of":
        claimed = view.text(last + 1) in {"for", "in"} and (last + 2 in view.names or last + 3 in view.names)
        return before in cues.COUNTED or lead - 1 in view.names or claimed
    if word == "to":
        return _rises_to(view, lead, earlier) and view.text(last + 1) not in cues.HABITS
    if word == "no":
        return bool(earlier)
    if word in cues.RANGE_MARKS:
        return not any(other.last == lead - 1 for other in earlier)
    return word not in cues.LOCAL | cues.NO_PRAISE


def _is_pronoun(view: View, i: int) -> bool:
    """Whether "one" stands for a noun: "this one", "four scores and then an overall one"."""
    before = view.text(i - 1)
    return (
        view.text(i + 1) == "each"
        or before not in cues.BEFORE_ONE
        or (before == "overall" and view.text(i - 2) in cues.PRONOUN_ONE)
    )


def _is_general(view: View, amount: Amount, lead: int, last: int) -> bool:
    """Whether a sentence tells what holds at a value, for anyone: "at band seven, hesitation is rare"."""
    if amount.value is None or amount.value % 1:
        return False  # whole bands are described, "at 5.5" is somebody's
    i = lead - 1
    while view.text(i) in cues.OPENERS | {","}:
        i -= 1
    if view.text(lead) != "at" or i >= view.start:
        return False
    begin = last + 2 if view.text(last + 1) == "," else last + 1
    subject = view.text(begin)
    more = subject == "even" and view.text(begin + 1) in {"more", "less", "fewer"}
    general = (
        more or subject in cues.SUBJECTS or (subject.isalpha() and subject not in cues.FOLLOWS | cues.CLAUSE_WORDS)
    )
    rest = range(begin, view.end)
    return general and not any(k in view.names or view.text(k) in cues.ADDRESSING for k in rest)


def _is_round(view: View, i: int) -> bool:
    """Whether "round" praises a number, as in "a nice round six", and counts none, as in "in round six"."""
    return view.text(i) == "round" and view.text(i - 1) in cues.ARTICLES - {"the"}


def _is_anothers(view: View, lead: int) -> bool:
    """Whether somebody else has or gives it: "the last candidate got", "Susan gave you"."""
    i = lead
    if view.text(i) in cues.THIRD:
        return view.text(i - 1) not in {"for", "from"}
    if view.text(i) == "you" and view.text(i - 1) in cues.GRANTING:
        i -= 1
    elif view.text(i) not in cues.HAVING:
        return False
    i -= 1
    while view.text(i) in cues.AUXILIARIES or view.text(i).endswith("ly"):
        i -= 1
    who = view.text(i)
    if view.text(i - 1) == "my":
        return False  # "my form has"; whose form it is not, is a judge's
    if who == "i" and view.text(i + 1) in cues.RECEIVING:
        return True
    return who.isalpha() and i not in view.names and who not in cues.HAVERS


def _rises_to(view: View, lead: int, earlier: list[Amount]) -> bool:
    """Whether "to" leads up to a score: "that comes to a six", "I would push it to a seven"."""
    around = range(max(view.start, lead - 9), lead)
    if earlier and earlier[-1].last == lead - 1:
        verb = next((k for k in around if view.text(k) in cues.REVISES | cues.RISES), None)
        moved = verb is not None and "from" in view.words(verb, lead) and view.text(verb - 1) != "you"
        return moved or view.words(earlier[-1].first - 2, earlier[-1].first) in (["down", "from"], ["up", "from"])
    led = view.text(lead - 1)
    if led == "up":
        return view.text(lead - 2) in {"it", "that"} or any(view.text(k) in cues.LEADS_TO | cues.RISES for k in around)
    return led not in cues.NOT_UP_TO


def _followed_by(view: View, amount: Amount, last: int) -> bool:
    i = last + 1
    word = view.text(i)
    if not word or i in view.names:
        return True
    if word in {"+", "%", "<", "="} or (word == ":" and view.found[min(i + 1, view.end - 1)].glued):
        return False
    if _ranges(view, i):
        return False
    adjacent = next((other for other in view.values if other.first == i), None)
    if adjacent is not None:
        view.skipped |= set(range(amount.first, last + 1))  # "a seven seven"
        return False
    if view.found[i].kind == "mark" or view.listed:
        return True
    if i + 1 not in view.names and any(view.stands(i, phrase) for phrase in cues.IN_TOTAL):
        return False
    if any(view.stands(i, phrase) for phrase in cues.ONCE_MORE) and not view.text(i + 2).isalnum():
        return True
    if word in {"for", "in"} and _is_talked_about(view, i):
        return False
    if _is_assigned(view, i):
        return True
    fairer = word == "is" and view.text(i + 1).endswith("er")
    if word in cues.ABOUT_IT and not fairer and not any(view.stands(i, phrase) for phrase in cues.GIVEN_AS):
        return False
    if word in cues.SPEAKERS:
        return _is_addressed(view, amount)
    if view.text(amount.first - 1) in {"a", "an"} and (word.endswith(("ing", "ed")) or word == "without"):
        return True
    return word in cues.FOLLOWS or word.endswith("ly") or view.at(i, REPAIRS) is not None


def _is_assigned(view: View, i: int) -> bool:
    """Whether a number is the subject of its own award: "six | is what I wrote", "was entered for", "is grammar"."""
    if view.words(i, i + 2) == ["has", "been"]:
        i += 1
    elif view.text(i) not in cues.TO_BE:
        return False
    after = view.text(i + 1)
    if after in cues.WHICH:
        return view.text(i + 2) in cues.WHOSE or i + 2 in view.names or i + 3 in view.names
    led = view.text(i + 2) in cues.PREPOSITIONS
    return (led and (after.endswith("ed") or after in cues.PARTICIPLES)) or i + 1 in view.names


def _ranges(view: View, i: int) -> bool:
    """Whether a number goes on to another one behind it: "to seven", ", or maybe a seven", "or above"."""
    if view.text(i) == "," and view.text(i + 1) == "or":
        i += 1
    if view.text(i) == "or" and view.text(i + 1) in cues.OR_MORE:
        return True
    if view.text(i) == "or" and view.text(i + 1) in cues.OR_MAYBE:
        i += 1
    elif view.text(i) not in {"-", "/", "to", "or"}:
        return False
    return view.value_at(i + 1) is not None


def _praises(view: View, i: int) -> bool:
    """Whether a word stands between "a" and a score, as in "a consistent six"."""
    word = view.text(i)
    plain = word.isalpha() and word not in cues.LOCAL | cues.NUMBERED | cues.NO_PRAISE
    while view.text(i - 1) in cues.ARTICLES - {"a", "an"}:
        i -= 1
    return plain and i not in view.names and view.text(i - 1) in {"a", "an"}


def _is_addressed(view: View, amount: Amount) -> bool:
    """Whether the caller is said to be it: "you are a band six speaker"."""
    lead = amount.first - 1
    while view.text(lead) in cues.ARTICLES or _praises(view, lead):
        lead -= 1
    called = view.text(lead) == "you" and view.words(lead - 3, lead) in (["i", "would", "call"], ["i", "will", "call"])
    return called or tuple(view.words(lead - 1, lead + 1)) in {("you", "are"), ("you", "as")}


def _is_talked_about(view: View, i: int) -> bool:
    """Whether "seven in grammar" goes on with "means"."""
    i += 1
    while view.text(i) in {"your", "the"} and i not in view.names:
        i += 1
    name = view.names.get(i)
    if name is None:
        return False
    after = name.last + 1
    while view.text(after) in {"often", "generally"} or view.text(after).endswith("ly"):
        after += 1
    if view.words(after, after + 4) in ([",", "for", "example", ","], [",", "for", "instance", ","]):
        after += 4
    if view.text(after) == "is" and view.text(after + 1) in cues.FAIR:
        return False  # "six for grammar is fair"
    verb = view.text(after).endswith("s") and view.text(after) not in cues.NO_VERBS
    return view.text(after) in cues.ABOUT_IT or verb


def _is_strong(view: View, amount: Amount, lead: int, last: int, scale: Scale) -> bool:
    if last > amount.last or (not amount.open and isinstance(scale, LabelScale)):
        return True
    shown = view.words(lead + 1, amount.first)
    if set(shown) & {"a", "an", "band", "bands", "score", "level", "grade", "mark"}:
        return True
    if view.text(lead) in cues.GIVING | cues.ALREADY or view.text(lead) == "as" or view.text(lead) in {":", "-", "="}:
        return True
    if amount.value is not None and amount.value % 1:
        return True
    if any(view.at(i, REPAIRS) for i in range(max(view.start, amount.first - 4), amount.first)):
        return True
    if (
        view.words(last + 1, last + 3) == ["it", "is"]
        or any(view.stands(last + 1, p) for p in cues.GIVEN_AS)
        or _is_assigned(view, last + 1)
    ):
        return True  # "so six it is", "six is right"
    if lead < view.start and any(view.stands(last + 1, phrase) for phrase in cues.ALONE):
        return True  # "Eight from me."
    isolated = lead < view.start or view.text(lead) not in cues.NO_END
    return isolated and (last + 1 >= view.end or view.found[last + 1].kind == "mark")
