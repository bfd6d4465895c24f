"""A YAML file to a checked config, or everything that is wrong with it at once."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.config import document
from pipeline.config.arms import arms_of
from pipeline.config.problems import ConfigError
from pipeline.config.resolve import Resolver
from pipeline.config.resolved import Config
from pipeline.config.secrets import SECRETS, secrets_in

__all__ = ["ConfigError", "load"]


def load(path: Path, env: Mapping[str, str] | None = None) -> Config:
    """Read and check a config. Variables come from `env`, by default the process's environment.

    Raises ConfigError, which holds every problem found.
    """
    source = document.read(path, os.environ if env is None else env)
    SECRETS.note(secrets_in(source.data))
    resolver = Resolver(source.data, path)
    config = resolver.config()
    arms, found = arms_of(resolver)
    found = source.found + resolver.found + found
    if config is None or found:
        raise ConfigError(source.problems(found))
    if config.experiment is None:
        return config
    experiment = replace(config.experiment, changes={name: arm.changes for name, arm in arms.items()})
    return replace(
        config,
        experiment=experiment,
        arms={name: replace(arm.config, experiment=experiment, arm=name) for name, arm in arms.items()},
    )
