"""`python -m gemini_live_emulator`."""

from gemini_live_emulator.cli import command

command(prog_name="gemini-live-emulator")
