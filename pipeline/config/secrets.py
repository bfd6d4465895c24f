"""The secrets of this process, and texts in which they are masked.

A config's secrets are noted when it is loaded (`note`). From then on `masked` hides them, in the forms in which they
appear in libraries' texts: as they are, percent-encoded, escaped as in a string, in base64, or cut off after a piece.
"""

import base64
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus, urlsplit

from pydantic import BaseModel, SecretStr

from pipeline.config.document import FromEnvironment
from pipeline.config.redaction import HIDDEN, SECRET_NAMES

# Characters. A shorter secret is a word that texts hold by chance; one that is longer is cut off by no chance.
SHORTEST = 6
# A piece of this many characters from its start gives a longer secret away, however it is cut off.
TELLING = 10
# In a record stands what people said. Only what nobody says by chance is masked there.
SHORTEST_IN_RECORD = 16

_HEADER = re.compile(
    r"(?P<name>\b(?:x-goog-api-key|proxy-authorization|authorization|x-api-key|set-cookie|cookie)\b"
    r"[\"']?\s*[:=,]\s*(?:b(?=[\"']))?[\"']?(?:(?:bearer|basic|token)\s+)?)(?P<value>[^\s\"',;)}\]]{4,})",
    re.IGNORECASE,
)
_QUERY = re.compile(r"([?&](?:api_?key|key|(?:access_)?token|secret|password)=)[^&#\s\"']+", re.IGNORECASE)
_PASSWORD = re.compile(r"(://[^/?#@\s:]*):[^/?#\s]*@")

T = TypeVar("T")


class _Hider:
    """Finds any of some texts in another one, also where only TELLING characters or more of its start are left."""

    def __init__(self, forms: Iterable[str]) -> None:
        self._forms: dict[str, list[str]] = {}
        for form in forms:
            self._forms.setdefault(form[:TELLING], []).append(form)
        starts = sorted(self._forms, key=len, reverse=True)
        self._starts = re.compile("|".join(map(re.escape, starts)) or r"(?!)")

    def hide(self, text: str) -> str:
        shown, at = "", 0
        while (found := self._starts.search(text, at)) is not None:
            shown += text[at : found.start()] + HIDDEN
            rest = text[found.start() :]
            at = found.start() + max(_shared(form, rest) for form in self._forms[found[0]])
        return shown + text[at:]


def _shared(form: str, text: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = zip(form, text, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(form), len(text)))


class Secrets:
    """Secrets, and how a text looks without them."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._everywhere = self._in_record = _Hider(())

    def note(self, secrets: Iterable[str]) -> None:
        """Hide these from now on; what is shorter than SHORTEST characters cannot be told from a word."""
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        if forms <= self._forms:
            return
        self._forms |= forms
        self._everywhere = _Hider(self._forms)
        self._in_record = _Hider(form for form in self._forms if len(form) >= SHORTEST_IN_RECORD)

    def masked(self, text: str) -> str:
        """A text for a log or a terminal: without these secrets, and without what looks like another's."""
        text = _HEADER.sub(rf"\g<name>{HIDDEN}", self._everywhere.hide(text))
        return _PASSWORD.sub(rf"\1:{HIDDEN}@", _QUERY.sub(rf"\1{HIDDEN}", text))

    def masked_event(self, event: T) -> T:
        """An event (a dataclass) without these secrets in any text of it; the event itself where it holds none."""
        changed = {}
        for each in dataclasses.fields(event):  # pyright: ignore[reportArgumentType] - an event is a dataclass
            value = getattr(event, each.name)
            if (clean := _clean(value, self._in_record)) != value:
                changed[each.name] = clean
        return dataclasses.replace(event, **changed) if changed else event  # pyright: ignore[reportArgumentType]


def _clean(value: Any, hider: _Hider) -> Any:
    match value:
        case str():
            return hider.hide(value)
        case tuple():
            return tuple(_clean(one, hider) for one in value)
        case list():
            return [_clean(one, hider) for one in value]
        case dict():
            return {key: _clean(one, hider) for key, one in value.items()}
        case _:
            return value


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, "")
    yield quote_plus(secret)
    yield secret.encode("unicode_escape").decode()
    yield base64.b64encode(secret.encode()).decode().rstrip("=")


def secrets_in(value: Any, secret: bool = False) -> Iterator[str]:
    """Every secret in settings or plain data: a SecretStr, a text under a name that sounds secret, a URL's password."""
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for name in type(value).model_fields:
                yield from secrets_in(getattr(value, name), bool(SECRET_NAMES.search(name)))
        case Mapping():
            for key, inner in value.items():
                yield from secrets_in(inner, bool(SECRET_NAMES.search(str(key))))
        case list() | tuple():
            for inner in value:
                yield from secrets_in(inner, secret)
        case str():
            if secret:
                yield str(value)
            if isinstance(value, FromEnvironment):
                yield from (content for name, content in value.parts if SECRET_NAMES.search(name))
            if "://" in value and (password := _password(value)):
                yield password
        case _:
            pass


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None


SECRETS = Secrets()
"""Those of this process."""
