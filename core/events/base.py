"""What every fact has, and how it is written and read back."""

from dataclasses import MISSING, asdict, dataclass, fields
from decimal import Decimal
from typing import Any, cast


@dataclass(frozen=True, slots=True)
class Event:
    """A fact with a time."""

    at: float


def kinds() -> dict[str, type[Event]]:
    """Every kind of fact, by its name."""
    return {one.__name__: one for one in Event.__subclasses__()}


def as_record(event: Event) -> tuple[str, dict[str, Any]]:
    """The kind of a fact and its fields as plain JSON values."""
    return type(event).__name__, {key: _plain(value) for key, value in asdict(event).items()}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return str(value)
        case tuple():
            return list(cast("tuple[Any, ...]", value))
        case _:
            return value


def from_record(kind: str, data: dict[str, Any]) -> Event:
    """The fact that `as_record` wrote. Raises ValueError for a kind or field this version does not know."""
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
