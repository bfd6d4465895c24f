"""`python -m emulator`."""

from emulator.cli import command

command(prog_name="python -m emulator")
