"""Configs as text: write one, load it, read the complaints."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.config.loading import ConfigError, load
from pipeline.config.resolved import Config

SECRET = "AIza-not-for-your-eyes"

LOUDNESS = "use: support.examples:Loudness"
MODEL = "use: support.examples:Model"
FOREIGN = "use: support.examples:Foreign"


def stages(*entries: str, more: str = "") -> str:
    """A config of these stages."""
    return "stages:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries) + more


class Folder:
    """A folder with one config, exam.yaml."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self, text: str, env: Mapping[str, str] | None = None) -> Config:
        """Write the config and load it."""
        file = self.path / "exam.yaml"
        file.write_text(text, encoding="utf-8")
        return load(file, env or {})

    def complaints(self, text: str, env: Mapping[str, str] | None = None) -> list[str]:
        """The lines of the error that the config draws, without the folder."""
        with pytest.raises(ConfigError) as caught:
            self.load(text, env)
        return str(caught.value).replace(f"{self.path}/", "").splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder for one config."""
    return Folder(tmp_path)
