"""The base of all events, and how an event is written as JSON values and read back."""

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a call, `at` so many seconds after it began."""

    at: float


@dataclass(frozen=True, slots=True)
class Rename:
    """What a former kind of event is called now; `fields` are old to new, `values` (new field, old value) to new."""

    kind: str
    fields: Mapping[str, str] = field(default_factory=dict[str, str])
    values: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])


# Former names that spill files and exports may still hold, by the kind they were written under. Migration 0007 has
# renamed what was in databases.
RENAMED = {
    "LinkDialed": Rename("ConnectionDialed"),
    "LinkOpened": Rename("ConnectionOpened"),
    "LinkLost": Rename("ConnectionLost", {"verdict": "action"}, {("action", "fresh"): "new session"}),
    "LinkChanged": Rename("ConnectionStateChanged"),
    "LinkGaveUp": Rename("ConnectionGivenUp"),
    "TurnTold": Rename("TurnSentAsText"),
    "ModelLate": Rename("ModelLate", {"done": "action"}, {("action", "say again"): "repeat"}),
    "ContextLost": Rename("ContextLost", {"done": "action"}),
    "HeardOtherwise": Rename("AlternativeTranscribed"),
    "HoleFound": Rename("GapFound"),
    "HoleRepaired": Rename("GapRepaired"),
    "WordsKept": Rename("TranscriptCheckpointed"),
    "EchoHeard": Rename("EchoDetected"),
    "TranscriptMeasured": Rename("TranscriptMeasured", {"holes": "gaps"}),
    "CallerConnected": Rename("CallerConnected", {"door": "transport"}),
    "CallEnded": Rename("CallEnded", values={("why", "link given up"): "connection given up"}),
}


def kinds() -> dict[str, type[Event]]:
    """Every class of event, by its name."""
    return {one.__name__: one for one in Event.__subclasses__()}


def as_record(event: Event) -> tuple[str, dict[str, Any]]:
    """The kind of an event and its fields as plain JSON values."""
    return type(event).__name__, {key: _plain(value) for key, value in asdict(event).items()}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return str(value)
        case tuple():
            return list(cast("tuple[Any, ...]", value))
        case _:
            return value


def renamed(kind: str, data: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind and fields of a record under the names of today; a new record as it is."""
    rename = RENAMED.get(kind)
    if rename is None:
        return kind, dict(data)
    named = {rename.fields.get(key, key): value for key, value in data.items()}
    return rename.kind, {key: _value_now(rename, key, value) for key, value in named.items()}


def _value_now(rename: Rename, key: str, value: Any) -> Any:
    return rename.values.get((key, value), value) if isinstance(value, str) else value


def from_record(kind: str, data: dict[str, Any]) -> Event:
    """The event that `as_record` wrote, also under former names (`RENAMED`).

    Raises ValueError for a kind or field this version does not know.
    """
    kind, data = renamed(kind, data)
    cls = kinds().get(kind)
    if cls is None:
        raise ValueError(f"unknown event kind {kind!r}")
    known = {one.name: one for one in fields(cls)}
    surplus = sorted(set(data) - set(known))
    absent = sorted(
        name
        for name, one in known.items()
        if name not in data and one.default is MISSING and one.default_factory is MISSING
    )
    if surplus or absent:
        raise ValueError(f"{kind}: unknown fields {surplus}, missing fields {absent}")
    return cls(**data)
