"""Arguments for a declared function, or JSON for a schema, made from scores and quotes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gemini_live_emulator.protocol.wire import Json, a_list, an_object
from gemini_live_emulator.wording import Value

# Other words under which schemas ask for a criterion (IELTS names among them).
ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "fluency": ("fluency", "coherence"),
    "vocabulary": ("vocabulary", "lexical", "lexis"),
    "grammar": ("grammar", "grammatical"),
    "pronunciation": ("pronunciation",),
    "overall": ("overall", "total"),
}
QUOTE: Final = 6  # words
_NAMING: Final = frozenset({"criterion", "criteria", "name", "category", "skill"})
_GIVING: Final = frozenset({"score", "band", "level", "grade", "label", "mark", "value"})


@dataclass(frozen=True, slots=True)
class Marks:
    """What the examiner gives, and the words it gives it for."""

    scores: Mapping[str, Value]
    answers: Sequence[str]
    enough: bool = True  # False: too little was said, so nullable numbers are null

    def evidence(self, criterion: str | None) -> str:
        """Quote a few words of the transcript."""
        said = [answer.split() for answer in self.answers if answer.strip()]
        if not said:
            return "Nothing was heard."
        names = list(self.scores)
        turn = names.index(criterion) if criterion in names else 0
        words = said[turn % len(said)]
        start = min(turn, max(0, len(words) - QUOTE))
        return f'The candidate said "{" ".join(words[start : start + QUOTE]).strip(".,;")}".'


def criterion_of(name: str, scores: Mapping[str, Value]) -> str | None:
    """Recognise a criterion in the name of a property."""
    plain = _plain(name)
    for criterion in scores:  # its own name before what another one is called elsewhere
        if plain and _plain(criterion) == plain:
            return criterion
    for criterion in scores:
        for word in ALIASES.get(criterion, (_plain(criterion),)):
            if word and word in plain:
                return criterion
    return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def fill(schema: Any, marks: Marks, name: str = "", criterion: str | None = None) -> Any:
    """Make a value that fits a schema (OpenAPI or JSON Schema) and carries the marks."""
    node = an_object(schema)
    if node is None:
        return None
    options = _objects(node.get("anyOf") or node.get("oneOf"))
    nullable = bool(node.get("nullable")) or _allows_null(node, options)
    if options:
        node = next((node | option for option in options if _kind(option) != "null"), node)
    kind = _kind(node)
    criterion = criterion_of(name, marks.scores) or criterion
    choices = a_list(node.get("enum"))
    if choices:
        return _choice(choices, marks, criterion)
    match kind:
        case "object":
            properties = _properties(node)
            return {key: fill(sub, marks, key, criterion) for key, sub in properties.items()}
        case "array":
            return _array(node, marks, name, criterion)
        case "number" | "integer":
            if nullable and not marks.enough:
                return None
            return _number(node, kind, marks, criterion)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            if name.lower() in _NAMING and criterion:
                return criterion
            score = marks.scores.get(criterion) if criterion else None
            if isinstance(score, str) and (_plain(name) == _plain(str(criterion)) or name.lower() in _GIVING):
                return None if nullable and not marks.enough else score
            return None if nullable and not marks.enough else marks.evidence(criterion)


def _kind(node: Json) -> str:
    kind: Any = node.get("type")
    kinds = a_list(kind)
    if kinds is not None:
        kind = next((k for k in kinds if str(k).lower() != "null"), "null")
    if kind:
        return str(kind).lower()
    if _properties(node):
        return "object"
    return "array" if "items" in node else "string"


def _allows_null(node: Json, options: list[Json]) -> bool:
    return "null" in (a_list(node.get("type")) or ()) or any(_kind(o) == "null" for o in options)


def _objects(options: object) -> list[Json]:
    found = [an_object(option) for option in a_list(options) or ()]
    return [option for option in found if option is not None]


def _properties(node: Json) -> dict[str, Any]:
    return an_object(node.get("properties")) or {}


def _choice(choices: list[Any], marks: Marks, criterion: str | None) -> Any:
    for choice in choices:
        if criterion and criterion_of(str(choice), marks.scores) == criterion:
            return choice
    if criterion:
        score = marks.scores[criterion]
        for choice in choices:
            if choice == score:
                return choice
            try:
                if float(choice) == score:
                    return choice
            except (TypeError, ValueError):
                continue
    return choices[0]


def _array(node: Json, marks: Marks, name: str, criterion: str | None) -> list[Any]:
    item = an_object(node.get("items")) or {}
    naming = next((key for key in _properties(item) if key.lower() in _NAMING), None)
    if naming is None:
        return [fill(item, marks, name, criterion)]
    # One entry a criterion; if the schema lists the names it takes, only those.
    allowed = a_list((an_object(_properties(item)[naming]) or {}).get("enum"))
    wanted = [
        each
        for each in marks.scores
        if allowed is None or any(criterion_of(str(c), marks.scores) == each for c in allowed)
    ]
    return [fill(item, marks, "", each) for each in wanted]


def _number(node: Json, kind: str, marks: Marks, criterion: str | None) -> float | int | None:
    value = marks.scores[criterion] if criterion else marks.scores.get("overall", 0.0)
    if isinstance(value, str):
        return None  # a label is no number, and none is made of it
    low, high = node.get("minimum"), node.get("maximum")
    if isinstance(low, (int, float)) and math.isfinite(low):
        value = max(value, low)
    if isinstance(high, (int, float)) and math.isfinite(high):
        value = min(value, high)
    return round(value) if kind == "integer" else value


@dataclass(frozen=True, slots=True)
class Function:
    """A function the client declared."""

    name: str
    parameters: Json
    behavior: str | None

    def arguments(self, marks: Marks) -> Json:
        """Make arguments that fit the declaration."""
        return an_object(fill({"type": "object", **self.parameters}, marks)) or {}


def declared(tools: Sequence[Json]) -> list[Function]:
    """List the functions in `tools`."""
    found: list[Function] = []
    for tool in tools:
        for one in tool.get("functionDeclarations") or ():
            schema = an_object(one.get("parameters") or one.get("parametersJsonSchema")) or {}
            found.append(Function(str(one.get("name", "")), schema, one.get("behavior")))
    return found


def choose(functions: Sequence[Function], wanted: str | None) -> Function | None:
    """Pick the scoring function: the one named, else one that sounds like it, else the first."""
    for function in functions:
        if wanted is not None and function.name == wanted:
            return function
    for function in functions:
        if "scor" in function.name.lower():
            return function
    return functions[0] if functions else None
