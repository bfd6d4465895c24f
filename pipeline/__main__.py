"""`python -m pipeline` is the same as `colloquy`."""

from pipeline.cli.main import main

main(prog_name="colloquy")
