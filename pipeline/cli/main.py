"""The command line: a table of commands, and one way to fail."""

import importlib
import os
import sys
from typing import Any, NoReturn

import click
from loguru import logger

from core.display import visible
from pipeline.cli.log import log_to
from pipeline.config.problems import ConfigError
from pipeline.config.secrets import SECRETS

COMMANDS = {
    "demo": "pipeline.cli.call:demo",
    "call": "pipeline.cli.call:call",
    "serve": "pipeline.cli.serve:serve",
    "jobs": "pipeline.cli.jobs:jobs",
    "check": "pipeline.cli.check:check",
    "schema": "pipeline.cli.schema:schema",
    "sessions": "pipeline.cli.sessions:command",
    "emulator": "gemini_live_emulator.cli:command",
}


class Commands(click.Group):
    """Imports a command's module when it is asked for, and says what is wrong with a config without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        return getattr(importlib.import_module(module), name)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            fail(str(error))
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click's own; a reader such as `head` that has seen enough is no failure
        except Exception:
            # Python's own traceback would show what our log masks.
            logger.exception("The command failed.")
            fail("Something went wrong that should not; what is above says where.", 1)


def fail(sentence: str, code: int = 2) -> NoReturn:
    """End the command with a sentence on the error stream."""
    click.echo(visible(SECRETS.masked(sentence)), err=True)
    raise click.exceptions.Exit(code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", count=True, help="Log more; twice for everything.")
@click.version_option(package_name="colloquy")
def main(verbose: int) -> None:
    """Spoken exams over Gemini Live.

    Example: colloquy check configs/baseline.yaml
    """
    # Before Pipecat is imported: it logs as it loads.
    log_to(level=("WARNING", "INFO", "DEBUG")[min(verbose, 2)])
    # A user's own stages are found in the working directory, after everything that is installed: a folder there that
    # happens to be called `core` must not hide ours.
    here = os.getcwd()
    sys.path[:] = [*(path for path in sys.path if path not in ("", here)), here]
