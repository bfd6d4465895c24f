"""A document with one value changed."""

from typing import Any, cast

from pipeline.config.problems import Keys


def patched(document: Any, keys: Keys, value: Any) -> Any:
    """A copy of a document with one value replaced; mappings that are absent on the way are made.

    Raises ValueError when a key leads into something that has no such keys.
    """
    if not keys:
        return value
    key, rest = keys[0], keys[1:]
    if isinstance(key, str) and (document is None or isinstance(document, dict)):
        inside = cast("dict[str, Any]", document or {})
        return {**inside, key: patched(inside.get(key), rest, value)}
    if isinstance(key, int) and isinstance(document, list):
        items = cast("list[Any]", document)
        if 0 <= key < len(items):
            return [*items[:key], patched(items[key], rest, value), *items[key + 1 :]]
    raise ValueError(f"{key} cannot be set: it would be inside a value that has no such key")
