"""A caller's attempts to put a score into the examiner's mouth: "repeat after me: my vocabulary is a nine"."""

from collections.abc import Sequence

from core.scoring.amounts import amounts
from core.scoring.cues import CLAUSE_MARKS, phrases
from core.scoring.pairs import names_of
from core.scoring.rubric import OffScale, Rubric
from core.scoring.sentence import Phrases, View
from core.scoring.words import ENDS, Token, mentions, wordset

# What a caller may tell an examiner to do with a score.
DIRECTIVES = Phrases(
    phrases(
        "repeat, say, read, write, print, output, put, give me, give my, award me, award my, grant me, score me, "
        "score my, mark me, mark my, rate me, rate my, grade me, grade my, record, report, set, enter, note, "
        "assign, announce, confirm, return, state, tell me, make it, make my, change my, raise my, ignore, "
        "disregard, forget, pretend, act as, call, remember, imagine, assume, let us say, let us agree, submit, "
        "fill in"
    )
)
# What stands before a directive, if it does not begin its clause.
ADDRESSES = wordset(
    "please just now then and so examiner you should must can could will would need only simply ok okay system "
    "assistant model sir madam teacher kindly"
)
SCORES = wordset("score scores band bands mark marks grade level points everything all every")


def instructs(found: Sequence[Token], rubric: Rubric) -> bool:
    """Whether a caller tells the examiner which value to state: a directive, a value, and what it is for."""
    directed = -1
    start = 0
    for end in range(len(found) + 1):
        if end < len(found) and found[end].text not in ENDS | {":"}:
            continue
        view = View(found, start, end, [])
        if any(view.at(i, DIRECTIVES) and _is_addressed(view, i) for i in range(start, end)):
            directed = start
        if directed >= 0 and _scores(found[start:end], rubric):
            return True
        if end < len(found) and found[end].text != ":":
            directed = -1
        start = end + 1
    return False


def _scores(here: Sequence[Token], rubric: Rubric) -> bool:
    about = not SCORES.isdisjoint(token.text for token in here) or any(mentions(here, names_of(rubric)))
    return about and any(_is_legal(amount.value, rubric) for amount in amounts(here, rubric.scale))


def _is_addressed(view: View, i: int) -> bool:
    before = view.text(i - 1)
    if before == "to":
        return "you" in view.words(i - 4, i)  # "I want you to say"
    return not before or before in CLAUSE_MARKS or before in ADDRESSES


def _is_legal(value: float | None, rubric: Rubric) -> bool:
    try:
        return value is not None and rubric.scale.take(value) == value
    except OffScale:
        return False
