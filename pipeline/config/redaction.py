"""Secrets hidden in errors, in the output of `check` and in the record."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, SecretStr

from core.credentials import flaw
from pipeline.config.document import FromEnvironment
from pipeline.config.problems import Finding, Keys

HIDDEN = "**********"  # as pydantic shows a SecretStr

SECRET_NAMES = re.compile(r"(^|[._-])(key|secret|token|password|passwd|credentials?)$", re.IGNORECASE)
_SENT = re.compile(r"(^|[_-])(key|token)$", re.IGNORECASE)  # in a header, so of its characters
_USER_INFO = re.compile(r"(?<=://)([^/?#@\s:]*):[^/?#\s]*@")
_QUERY = re.compile(r"(?<=[?&])((?:api_?)?key|secret|(?:access_)?token|password|passwd)=[^&#\s]+", re.IGNORECASE)

# Characters. A message may hold shorter pieces of a value by chance.
_REVEALING = 6


def redacted(value: Any, hide_environment: bool = False) -> Any:
    """Plain data with what looks like a secret hidden: by its key's name, or as the password in a URL.

    With `hide_environment`, so is every value that came from a variable: for keys of which nothing declares whether
    they are secret.
    """
    if isinstance(value, Mapping):
        return {
            key: HIDDEN
            if isinstance(inner, str) and inner and SECRET_NAMES.search(str(key))
            else redacted(inner, hide_environment)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(inner, hide_environment) for inner in value]
    if not isinstance(value, str):
        return value
    if hide_environment and isinstance(value, FromEnvironment):
        return HIDDEN
    return _QUERY.sub(rf"\1={HIDDEN}", _USER_INFO.sub(rf"\1:{HIDDEN}@", str(value)))


def malformed_keys(value: Any, at: Keys = ()) -> Iterator[Finding]:
    """The keys and tokens that no header takes: secrets of settings, texts in plain data, by their names."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            secret = getattr(value, name)
            if isinstance(secret, SecretStr) and _SENT.search(name) and (found := flaw(secret.get_secret_value())):
                yield Finding((*at, field.alias or name), found)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(inner, str) and _SENT.search(str(name)) and (found := flaw(inner)):
                yield Finding((*at, str(name)), found)
            yield from malformed_keys(inner, (*at, str(name)))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from malformed_keys(inner, (*at, index))


def without_secrets(message: str, value: Any) -> str | None:
    """A message about a value, with variables' names for their contents; None if it would still show too much."""
    for name, content in _from_environment(value):
        message = message.replace(content, f"${{{name}}}") if len(content) >= _REVEALING else message
        low, secret = message.lower(), content.lower()
        if len(secret) < _REVEALING:
            if secret in low:
                return None
        elif any(secret[start : start + _REVEALING] in low for start in range(len(secret) - _REVEALING + 1)):
            return None
    return message


def _from_environment(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, FromEnvironment):
        yield from value.parts
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _from_environment(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _from_environment(inner)
