"""Short names of stages and listeners, and how a name becomes a class. Nothing is imported until it is used."""

import importlib
import re
from collections.abc import Mapping
from typing import Any

from pipeline.config.problems import known_names

STAGES = {
    "resampler": "processors.resampler:Resampler",
    "echo": "processors.echo.stage:Echo",
    "manual_vad": "processors.manual_vad.stage:ManualVad",
    "shadow": "processors.shadow.stage:Shadow",
    "gemini_live": "processors.gemini_live.stage:GeminiLive",
    "transcript": "processors.transcript:Transcript",
    "repetition": "processors.repetition:Repetition",
    "exam": "processors.exam:Exam",
    "scoring": "processors.scoring:Scoring",
}

LISTENERS = {
    "webrtc": "transports.webrtc.listener:WebRtcListener",
}

PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class Unresolved(ValueError):
    """A `use:` that leads to no class; the text is the rest of a sentence that begins with the key."""


def resolve(use: str, names: Mapping[str, str], kind: str) -> type[Any]:
    """The class behind a short name or a `package.module:Class`. Raises Unresolved."""
    path = names.get(use, use)
    if not PATH.fullmatch(path):
        raise Unresolved(f'unknown {kind} "{use}"; expected a known name or package.module:Class{_hint(use, names)}')
    module_name, _, attribute = path.partition(":")
    found = _module(module_name)
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise Unresolved(f"{module_name} has no class {attribute}{known_names(part, _classes(found))}")
        found = getattr(found, part)
    if not isinstance(found, type):
        raise Unresolved(f"{path} is not a class; expected package.module:Class")
    return found


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise Unresolved(
                f"there is no module {error.name}; it is looked for in the working directory and in installed packages"
            ) from error
        raise Unresolved(f"{name} cannot be imported, since it needs {error.name}, which is not installed") from error
    except Exception as error:  # whatever a user's module does at import is the user's to correct: name the error
        why = " ".join(str(error).split())
        raise Unresolved(f"{name} cannot be imported: {type(error).__name__}" + (f": {why}" if why else "")) from error


def _hint(use: str, names: Mapping[str, str]) -> str:
    module, _, name = use.rpartition(".")
    if module and name[:1].isupper() and PATH.fullmatch(f"{module}:{name}"):
        return f'; did you mean "{module}:{name}"?'
    return known_names(use, names)


def _classes(holder: Any) -> list[str]:
    """The public classes that were defined there, not merely imported."""
    home = getattr(holder, "__name__", "")
    return [
        name
        for name, value in vars(holder).items()
        if isinstance(value, type) and not name.startswith("_") and value.__module__ == home
    ]
