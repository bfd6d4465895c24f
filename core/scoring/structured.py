"""Scores out of structured answers: the arguments of a call, and JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from core.scoring.naming import Names
from core.scoring.pairs import entries
from core.scoring.readings import Reading, Refused, Stated
from core.scoring.rubric import Rubric, key
from core.scoring.scale import OffScale, quoted
from core.scoring.values import value_of
from core.scoring.words import plain, tokens, wordset

VALUE_KEYS = ("band", "score", "value", "bandscore", "rating", "grade", "mark", "level", "label", "points", "result")
EVIDENCE_WORDS = wordset(
    "evidence quote quotes reason reasons reasoning rationale justification comment comments feedback "
    "explanation notes note example examples"
)
NAME_KEYS = wordset("criterion criteria name category skill dimension aspect area title key id")
# Scores under such a key are somebody else's, or another day's.
FOREIGN = wordset(
    "previous last prior past target targets goal expected desired example examples sample max maximum min minimum "
    "weight weights history mock claimed requested predicted average self"
)
DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A value under a key that holds the names of several criteria."""

    key: str
    criteria: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    criterion: str
    raw: object
    evidence: str = ""


class _Answer:
    """Walks an answer of any nesting, and yields what it says of which criterion."""

    def __init__(self, rubric: Rubric) -> None:
        self._rubric = rubric
        self._names = Names(rubric)
        self.named = self._names.named

    def walk(self, node: object, depth: int = 0) -> Iterator[_Found]:
        """All that is stated at or under a node."""
        if depth > DEEPEST:
            return
        match node:
            case dict():
                yield from self._mapping(cast(dict[object, object], node), depth)
            case list() | tuple():
                items = list(cast(Iterable[object], node))
                criterion = self.named(items[0]) if len(items) == 2 else None
                if criterion:
                    yield from self._value(criterion, items[1], "", depth)
                else:
                    for item in items:
                        yield from self.walk(item, depth + 1)
            case str():
                inner = _json(node)
                if inner is not None:
                    yield from self.walk(inner, depth + 1)
                else:
                    text = plain(node)
                    for entry in entries(self._names.put_in(tokens(text), text, 0), self._rubric):
                        yield _Found(entry.criterion, entry.said)
            case _:
                return

    def _mapping(self, node: dict[object, object], depth: int) -> Iterator[_Found]:
        about = next(
            (self.named(value) for name, value in node.items() if _words(name) & NAME_KEYS and self.named(value)), None
        )
        if about:
            yield from self._value(
                about, {name: node[name] for name in node if not _words(name) & NAME_KEYS}, "", depth
            )
            return
        remarks = {
            criterion: _as_text(value)
            for name, value in node.items()
            if (criterion := self.named(" ".join(w for w in key(str(name)) if w not in EVIDENCE_WORDS)))
            and _words(name) & EVIDENCE_WORDS
        }
        for name, value in node.items():
            criterion = self.named(name)
            if criterion:
                yield from self._value(criterion, value, remarks.get(criterion, ""), depth)
            elif not _words(name) & (FOREIGN | EVIDENCE_WORDS) and len(may := self._names.candidates(name)) > 1:
                if self._is_value(value):
                    yield from (_Found(one, Ambiguous(str(name), may)) for one in may)
                else:
                    yield from self.walk(value, depth + 1)
            elif not _words(name) & (FOREIGN | EVIDENCE_WORDS):
                yield from self.walk(value, depth + 1) if not isinstance(value, str) or _holds_scores(name) else ()

    def strange(self, node: object, depth: int = 0) -> Iterator[str]:
        """The keys at or under a node that may be meant for a criterion, and name none."""
        if isinstance(node, list) and depth <= DEEPEST:
            for item in cast(list[object], node):
                yield from self.strange(item, depth + 1)
        if not isinstance(node, dict) or depth > DEEPEST:
            return
        items = cast(dict[object, object], node)
        about = [value for name, value in items.items() if _words(name) & NAME_KEYS and isinstance(value, str)]
        if about and self._is_value(items):
            yield from (quoted(name) for name in about[:1] if not self._names.candidates(name))
            return
        for name, value in items.items():
            words = _words(name)
            if self._names.candidates(name) or words & (FOREIGN | EVIDENCE_WORDS):
                continue
            if self._is_value(value) and not words & NAME_KEYS and "".join(key(str(name))) not in VALUE_KEYS:
                yield quoted(name)
            else:
                yield from self.strange(value, depth + 1)

    def _is_value(self, value: object) -> bool:
        """Whether a value of the scale stands there, bare or in an object."""
        if isinstance(value, dict):
            inside = {"".join(key(str(name))): part for name, part in cast(dict[object, object], value).items()}
            value = next((inside[name] for name in VALUE_KEYS if inside.get(name) is not None), None)
        try:
            value_of(value, self._rubric.scale)
        except OffScale:
            return False
        return True

    def _value(self, criterion: str, value: object, evidence: str, depth: int) -> Iterator[_Found]:
        if isinstance(value, str):
            inner = _json(value)
            value = value if inner is None else inner
        if isinstance(value, list):
            items = cast(list[object], value)
            value = items[0] if len(items) == 1 else items
        if isinstance(value, dict):
            inside = {"".join(key(str(name))): part for name, part in cast(dict[object, object], value).items()}
            remark = next((_as_text(part) for name, part in inside.items() if name in EVIDENCE_WORDS), evidence)
            for name in VALUE_KEYS:
                if inside.get(name) is not None:
                    yield from self._value(criterion, inside[name], remark, depth + 1) if depth < DEEPEST else ()
                    return
            yield from self.walk(cast(object, value), depth + 1)  # {"final": {"fluency": 6}}
            return
        if value is not None and value != "":
            yield _Found(criterion, value, evidence)


class CallReader:
    """Reads the arguments of the reporting function, however the model wrote them."""

    def __init__(self, rubric: Rubric, source: str = "call") -> None:
        self.rubric = rubric
        self.source = source
        self._answer = _Answer(rubric)

    def read(self, args: Mapping[str, Any], at: float) -> list[Reading]:
        """What the call states, at most one reading a criterion, in the rubric's order."""
        said: dict[str, list[_Found]] = {}
        for found in self._answer.walk(dict(args)):
            said.setdefault(found.criterion, []).append(found)
        return [self._reading(name, said[name], at) for name in self.rubric.names if name in said]

    def unread(self, args: Mapping[str, Any]) -> list[str]:
        """The keys that hold a value of the scale and name no criterion, each in a sentence."""
        return [f"{key} names no criterion of the rubric" for key in dict.fromkeys(self._answer.strange(dict(args)))]

    def _reading(self, criterion: str, said: list[_Found], at: float) -> Stated | Refused:
        evidence = next((found.evidence for found in said if found.evidence), "")
        scale = self.rubric.scale
        unclear = [found.raw for found in said if isinstance(found.raw, Ambiguous)]
        said = [found for found in said if not isinstance(found.raw, Ambiguous)]
        if unclear and not said:
            why = f"its key {quoted(unclear[0].key)} may mean {' or '.join(unclear[0].criteria)}"
            return Refused(criterion, self.source, why, evidence, at, doubt="ambiguous")
        try:
            values = sorted({value_of(found.raw, scale) for found in said})
        except OffScale as error:
            return Refused(criterion, self.source, str(error), evidence, at)
        if len(values) > 1:
            both = " and ".join(scale.shown(value) for value in values)
            return Refused(criterion, self.source, f"it is given as {both} at once", evidence, at, doubt="conflict")
        return Stated(criterion, values[0], self.source, evidence, at, scale.label(values[0]))


def _words(name: object) -> set[str]:
    return set(key(str(name)))


def _holds_scores(name: object) -> bool:
    return bool(_words(name) & {"score", "scores", "band", "bands", "result", "results", "report", "text", "summary"})


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return "; ".join(_as_text(part) for part in cast(list[object], value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _json(text: str) -> object:
    """The object or array a string holds; None when it holds none."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return cast(object, json.loads(text))
    except (ValueError, RecursionError):
        return None
