"""The keys of a config file: its top, and the parts that are not stages or listeners."""

import base64
import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationInfo

from pipeline.config.problems import known_names
from processors.stage import ConfigPath


class Closed(BaseModel):
    """A part of a config that allows no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Budget(Closed):
    """What a call may cost and how long it may last."""

    usd: Decimal | None = Field(default=None, gt=0)
    """US dollars after which the call is brought to its end; without it, none is set"""
    minutes: float | None = Field(default=15, gt=0)
    """minutes after which the call is brought to its end; null for no limit"""


def _scenario(name: str, info: ValidationInfo) -> str:
    from gemini_live_emulator.scenario import Scenario, ScenarioError, names  # only offline configs need the emulator

    if not name.endswith((".yaml", ".yml")):
        if name not in names():
            raise ValueError(f"the emulator has no such scenario{known_names(name, names())}")
        return name
    path = (info.context or {}).get("base", Path()) / name
    try:
        Scenario.load(path)
    except ScenarioError as error:
        raise ValueError("; ".join(str(error).splitlines())) from error
    return str(path.resolve())  # the emulator runs in another folder


class EmulatorSettings(Closed):
    """The embedded Gemini Live emulator, started with the pipeline and dialed in place of the service."""

    scenario: Annotated[str, AfterValidator(_scenario)] = Field("plain", validate_default=True)
    """a scenario that comes with the emulator, or a YAML file beside the config"""


def unusable(url: str) -> str:
    """Why nothing can ever be sent to an address; empty for one that may be reached."""
    import httpx  # most configs have no webhook

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port  # urlsplit reads them only when asked
    except ValueError:
        return "the address has no host or port that can be read: a port is a number from 1 to 65535"
    if parts.scheme not in ("http", "https") or not host:
        return "expected an address that begins with https:// or http://"
    if port == 0:
        return "nobody listens on port 0: a port is a number from 1 to 65535"
    if any(char.isspace() or not char.isprintable() for char in url):
        return "the address holds a blank or a control character"
    try:
        httpx.URL(url)
        host.rstrip(".").encode("idna")
    except (httpx.InvalidURL, ValueError):
        return "the address has no name of a host in it"
    return ""


def _receiver(url: str) -> str:
    if why := unusable(url):
        raise ValueError(why)
    return url


def _signing_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not text.startswith("whsec_") or not 24 <= len(key) <= 64:
        # Without the prefix, which a wrong secret may share: a sentence that holds a piece of it would not be shown.
        raise ValueError("expected a secret of Standard Webhooks, of 24 to 64 random bytes: docs/jobs.md makes one")
    return secret


class WebhookSettings(Closed):
    """Where the result of every session is sent once the call is over (docs/jobs.md)."""

    url: Annotated[str, AfterValidator(_receiver)]
    """the receiver; it is not followed elsewhere"""
    secret: Annotated[SecretStr, AfterValidator(_signing_secret)]
    """what messages are signed with: `whsec_` and 24 to 64 random bytes in base64"""
    timeout: float = Field(20, gt=0, le=120)
    """seconds for the receiver to answer"""
    # The example schedule of Standard Webhooks 1.0.0, which ends after three days.
    retries: tuple[Annotated[float, Field(gt=0)], ...] = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    """seconds before each further attempt; after the last one it is given up"""


class JobsSettings(Closed):
    """The jobs after the call, which give late verdicts and deliver results (docs/jobs.md)."""

    keep_days: float = Field(default=30, gt=0, le=3650)
    """days for which the steps of a finished job are stored; the record has its outcome for good"""


def _storable(name: str) -> str:
    from pipeline.record.models import clean

    if clean(name) != name:
        raise ValueError("a name holds a character that no database stores (NUL, or half of a pair)")
    return name


Name = Annotated[str, Field(min_length=1), AfterValidator(_storable)]
"""What a record is found by: it is stored as it stands in the config."""


def name_of(file: Path) -> str:
    """The name of a config that says none: its file's, in characters that can be stored."""
    return os.fsencode(file.stem).decode(errors="backslashreplace")


class ArmSettings(Closed):
    """One way of an experiment."""

    weight: float = Field(1, ge=0)
    """how many units get this arm, in proportion to the other arms' weights"""
    changes: dict[str, Any] = Field(default_factory=dict, alias="set")
    """what differs from the config above, as `stage.key: value`, `budget.key: value` or `prices: file`"""


class ExperimentSettings(Closed):
    """Arms between which callers or calls are divided."""

    name: Name | None = None
    """hashed together with the unit, so that a new name assigns the arms anew; the config's name if absent"""
    unit: Literal["caller", "call"] = "caller"
    """what is assigned to an arm for good: a caller with all their calls, or each call by itself"""
    arms: dict[Name, ArmSettings] = Field(min_length=1)
    """the arms by name"""


def _database(url: str) -> str:
    from pipeline.record.address import parse_url  # the schema alone needs no SQLAlchemy
    from pipeline.record.models import StoreError

    try:
        parse_url(url)
    except StoreError as error:
        raise ValueError(str(error)) from error
    return url


class ConfigFile(Closed):
    """The top of a config."""

    name: Name | None = None
    """what the config is called in the record; the file's name if absent"""
    listen: dict[str, Any] | None = None
    """the listener that callers connect to: `use` and the keys of that listener"""
    stages: list[dict[str, Any]] = Field(min_length=1)
    """the stages a caller's audio goes through, in order: each `use` and the keys of that stage"""
    budget: Budget = Field(default_factory=Budget)
    """what a call may cost and how long it may last"""
    prices: ConfigPath | None = None
    """a file of prices by model and modality, relative to the config"""
    database: Annotated[str, AfterValidator(_database)] = "sqlite+aiosqlite:///sessions.db"
    """the record's database, as an SQLAlchemy URL; a relative SQLite file is in the working directory"""
    emulator: EmulatorSettings | None = None
    """the embedded Gemini Live emulator, for calls without key or network"""
    webhook: WebhookSettings | None = None
    """where the result of every session is sent once the call is over"""
    jobs: JobsSettings = Field(default_factory=JobsSettings)
    """the jobs after the call"""
    experiment: ExperimentSettings | None = None
    """arms between which callers or calls are divided"""
