"""Who is measured: a command that serves calls, and how its calls go."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Contender:
    """A server of calls. An `echo` sends back the audio it receives; the others hold an exam."""

    name: str
    command: tuple[str, ...]
    kind: Literal["exam", "echo"]


OURS = Contender("ours", (sys.executable, "-m", "pipeline", "serve", str(HERE / "config.yaml")), "exam")
STOCK = Contender("stock", (sys.executable, "-m", "bench.stock"), "exam")
ECHO = Contender("echo", (sys.executable, "-m", "bench.echo"), "echo")

CONTENDERS = (OURS, STOCK, ECHO)
