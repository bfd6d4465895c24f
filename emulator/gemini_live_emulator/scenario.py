"""What a scenario file may say."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from gemini_live_emulator.faults.rules import FaultRule
from gemini_live_emulator.protocol.model_facts import MODELS, Model, bare
from gemini_live_emulator.wording import Value

CRITERIA = ("fluency", "vocabulary", "grammar", "pronunciation", "overall")


_BOOL = "tag:yaml.org,2002:bool"


class _Yaml(yaml.SafeLoader):
    """YAML whose only truths are `true` and `false`, as in YAML 1.2: a rule's key `on` stays a word."""


_Yaml.yaml_implicit_resolvers = {
    first: [one for one in known if one[0] != _BOOL or first in "tTfF"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


LONGEST_LABEL = 40  # characters


def _no_truth_value(score: object) -> object:
    if isinstance(score, bool):
        raise ValueError("this is read as yes or no; write a label in quotes")
    return score


Score = Annotated[Value, BeforeValidator(_no_truth_value)]


class ScenarioError(ValueError):
    """A scenario that cannot be read; the message says where and why."""


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ending(_Closed):
    """What the examiner does after the last answer."""

    speak: Literal["all", "two", "none"] = Field(default="all", description="band scores said aloud")
    numbers: Literal["digits", "words"] = Field(
        default="digits", description='whether the transcript reads "6.5" or "six point five"'
    )
    block: bool = Field(default=False, description="also says a [BAND_SCORES] block")
    call: Literal["good", "malformed", "empty", "unknown", "twice", "none"] = Field(
        default="good", description="how the scoring function is called"
    )
    when: Literal["after speech", "before speech", "with speech", "when asked"] = Field(
        default="after speech", description="when it is called; 'when asked' needs another user turn"
    )
    chance: float = Field(default=1.0, ge=0, le=1, description="probability of the call, by the seed")
    promise: bool = Field(default=False, description="says that it reports the scores now")
    farewell: str = Field(default="Goodbye.", description="said once the function has been answered")


class Examiner(_Closed):
    """Who speaks, and what."""

    kind: Literal["scripted", "speaking"] = Field(
        default="scripted", description="'speaking' listens and speaks with offline models"
    )
    opening: str = "Hello, and welcome."
    questions: tuple[str, ...] = ("What is your name?",)
    acknowledgements: tuple[str, ...] = ("Thank you.",)
    closing: str = "Thank you. That is the end of the test."
    again: str = Field(default="Sorry, I did not hear that.", description="said once to a silent answer")
    scores: dict[str, Score] = Field(
        default_factory=lambda: {
            "fluency": 6.5,
            "vocabulary": 6.0,
            "grammar": 6.0,
            "pronunciation": 7.0,
            "overall": 6.5,
        },
        description="the scores given: numbers from 0 to 999 with two decimals at most, or labels; not an assessment",
    )
    ending: Ending = Ending()
    function: str | None = Field(default=None, description="the function to call, if not the obvious one")
    heard: tuple[str, ...] = Field(default=(), description="scripted: the transcript of each answer")
    words_per_second: float | None = Field(
        default=None, gt=0, description="scripted: send the words of `heard` at this rate while the audio comes"
    )
    latency: float = Field(default=0.3, ge=0, description="seconds from the end of a turn to the reply")
    hearing_limit: float = Field(default=10.0, gt=0, description="seconds to wait for the transcriber at most")
    repeats: tuple[int, ...] = Field(default=(), description="questions (from 1) said twice, unprompted")
    repeat_after: float = Field(default=2.0, ge=0, description="seconds of quiet before it repeats itself")
    early: tuple[int, ...] = Field(default=(), description="questions it does not wait an answer for")
    early_after: float = Field(default=1.0, ge=0, description="seconds until it goes on regardless")
    forgets: bool = Field(default=False, description="begins the exam anew after a resume")
    reads_history: bool = Field(default=True, description="continues after the history that a new session is given")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.questions:
            raise ValueError("questions: at least one is needed")
        for name, score in self.scores.items():
            if isinstance(score, str):
                if not 0 < len(score.strip()) <= LONGEST_LABEL:
                    raise ValueError(f"scores.{name}: a label has 1 to {LONGEST_LABEL} characters")
            elif not 0 <= score <= 999 or round(score, 2) != score:
                raise ValueError(f"scores.{name}: {score} is not a number from 0 to 999 with two decimals at most")
        return self


class Transcription(_Closed):
    """How the service transcribes what the user says."""

    stall_after: float | None = Field(
        default=None, gt=0, description="seconds into an activity window after which no text comes"
    )
    delay: float = Field(default=0.0, ge=0, description="seconds that text lags behind")
    restart: float = Field(default=0.0, ge=0, description="extra lag of a window opened after another")
    words: int = Field(default=2, ge=1, description="words in one increment")


class Usage(_Closed):
    """How tokens are counted and reported."""

    audio_per_second: float = Field(default=25.0, gt=0, description="tokens of one second of audio")
    characters_per_token: float = Field(default=4.0, gt=0)
    image: int = Field(default=258, ge=0, description="tokens of one video frame")
    preamble: int = Field(default=400, ge=0, description="hidden tokens before anything was said")
    thoughts: int = Field(default=0, ge=0, description="thinking tokens of each reply")
    send: bool = Field(default=True, description="send usageMetadata at all")
    details: Literal["always", "sometimes", "never"] = Field(
        default="always", description="tokens by modality; 'sometimes' is every other turn"
    )
    total_has_thoughts: bool = Field(default=True, description="totalTokenCount includes thoughts")


class Resumption(_Closed):
    """How session handles behave."""

    valid: float = Field(default=7200.0, gt=0, description="seconds a handle lives after its session")
    every: float | None = Field(default=None, gt=0, description="seconds between updates while idle")
    unrequested: bool = Field(default=False, description="send updates without sessionResumption")
    while_open: bool = Field(default=False, description="allow a resume while the old socket is open")
    # No report quotes this reason; aicc2025/sip-to-ai issue 14 gives only the code.
    busy_reason: str = "Internal error encountered."


class Wire(_Closed):
    """The transport's own habits."""

    frames: Literal["binary", "text"] = Field(default="binary", description="frames from the server")
    session_id: bool = Field(default=False, description="name the session in setupComplete")
    deflate: bool = Field(default=False, description="accept permessage-deflate")
    fragment: int | None = Field(default=None, ge=1, description="bytes after which a message is split")
    pong_delay: float = Field(default=0.0, ge=0, description="seconds a pong is held back")
    ping_every: float | None = Field(default=None, gt=0, description="seconds between our own pings")
    max_frame: int = Field(default=16 * 2**20, gt=0, description="bytes of a client frame (1009 above)")
    unread: int = Field(
        default=32 * 2**20, gt=0, description="bytes that a client may leave unread before it is cut off"
    )
    setup_limit: float = Field(default=60.0, gt=0, description="seconds to wait for the setup message")
    max_rate: float = Field(
        default=2000.0, gt=0, description="messages a second read from one client; more wait in its socket"
    )


class Scenario(_Closed):
    """One way the service may behave, from greeting to close."""

    name: str = "scripted"
    summary: str = ""
    seed: int = 0
    examiner: Examiner = Examiner()
    transcription: Transcription = Transcription()
    usage: Usage = Usage()
    resumption: Resumption = Resumption()
    wire: Wire = Wire()
    model: dict[str, Any] = Field(
        default_factory=dict,
        description="capabilities to override, by the names of `ModelFacts`",
    )
    aliases: dict[str, str] = Field(
        default_factory=dict, description="more model names, each with the known one it equals"
    )
    sessions: int | None = Field(default=None, ge=1, description="most sessions at once")
    faults: tuple[FaultRule, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for alias, known in self.aliases.items():
            if known not in MODELS:
                raise ValueError(f"aliases.{alias}: {known} is not one of {', '.join(MODELS)}")
        for known in MODELS.values():
            self._override(known)
        return self

    def find_model(self, name: str) -> Model | None:
        """Look up the capabilities of a model, with this scenario's changes."""
        short = bare(name)
        known = MODELS.get(self.aliases.get(short, short))
        return None if known is None else self._override(known)

    def _override(self, known: Model) -> Model:
        if not self.model:
            return known
        return Model.model_validate(known.model_dump() | self.model)

    def changed(self, **parts: Any) -> Scenario:
        """Copy this scenario with some keys replaced; a dict changes only the keys it names."""
        data = self.model_dump(mode="json")
        for key, value in parts.items():
            old = data.get(key)
            if isinstance(value, dict) and isinstance(old, dict):
                data[key] = _merged(old, value)  # pyright: ignore[reportUnknownArgumentType]
            else:
                data[key] = value
        return Scenario.model_validate(data)

    @classmethod
    def load(cls, name: str | Path) -> Scenario:
        """Read a scenario by its name or from a YAML file; `plain+quota+usage_twice` adds faults."""
        base, *faults = str(name).split("+") if isinstance(name, str) else [name]
        scenario = cls._load(base)
        if not faults:
            return scenario
        rules = [*(rule.model_dump(mode="json") for rule in scenario.faults), *({"fault": f} for f in faults)]
        try:
            return scenario.changed(faults=rules)
        except ValidationError as error:
            raise ScenarioError(f"{name}: {error.errors()[0]['msg']}") from error

    @classmethod
    def _load(cls, name: str | Path) -> Scenario:
        path = Path(name)
        if path.suffix in (".yaml", ".yml"):
            try:
                return cls.parse(path.read_text(encoding="utf-8"), str(path))
            except OSError as error:
                raise ScenarioError(f"{path}: {error.strerror}") from error
        known = names()
        if str(name) not in known:
            raise ScenarioError(f"no scenario {str(name)!r}; known are {', '.join(known)}")
        text = (_folder() / f"{name}.yaml").read_text(encoding="utf-8")
        return cls.parse(text, f"{name}.yaml")

    @classmethod
    def parse(cls, text: str, where: str) -> Scenario:
        """Read a scenario from YAML text."""
        try:
            data: Any = yaml.load(text, _Yaml) or {}
        except yaml.YAMLError as error:
            words = " ".join(str(error).split())
            raise ScenarioError(f"{where}: not YAML: {words}") from error
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            lines = [
                f"{where}: {'.'.join(str(step) for step in item['loc']) or 'scenario'}: {item['msg']}"
                for item in error.errors()
            ]
            raise ScenarioError("\n".join(lines)) from error


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    result = dict(old)
    for key, value in new.items():
        before = result.get(key)
        if isinstance(value, dict) and isinstance(before, dict) and key != "scores":
            result[key] = _merged(before, value)  # pyright: ignore[reportUnknownArgumentType]
        else:
            result[key] = value
    return result


def _folder() -> Path:
    return Path(str(resources.files("gemini_live_emulator"))) / "scenarios"


def names() -> list[str]:
    """List the scenarios that come with the emulator."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))
