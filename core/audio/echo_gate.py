"""Which blocks of the caller's microphone go on, and which become silence because they are echo.

Nothing is held back while nobody speaks, while the caller speaks, and while echo is heard: only a sound of which it is
not known yet what it is waits, until that is known or `MOST_HELD` blocks have come.
"""

from dataclasses import dataclass, field
from enum import Enum

# Blocks of 32 ms, a third of a second: what it takes to know the examiner's voice again by its first syllables.
MOST_HELD = 10


class Sound(Enum):
    """What a block of the microphone sounds like."""

    NONE = "none"  # nothing that could be echo
    ECHO = "echo"  # the examiner's voice, or the quiet between its words
    DOUBT = "doubt"  # a sound while echo is possible, not known to be either
    CALLER = "caller"  # not explained by echo


class Fate(Enum):
    """What becomes of a block."""

    PASS = "pass"
    MUTE = "mute"


# What becomes of the sounds that were in doubt, and of this one: a sound too short to be told is let through.
FATES = {Sound.NONE: Fate.PASS, Sound.CALLER: Fate.PASS, Sound.ECHO: Fate.MUTE}


@dataclass
class EchoGate:
    """Sounds in; out comes the fate of the blocks that have waited longest, this one included. No block is lost."""

    _held: int = field(default=0, init=False)
    _given_up: bool = field(default=False, init=False)  # this sound is the caller's, until there is quiet or echo

    def heard(self, sound: Sound) -> list[Fate]:
        """A block has come."""
        self._held += 1
        if sound is not Sound.DOUBT:
            self._given_up = False
            return self._release(FATES[sound])
        if not self._given_up and self._held < MOST_HELD:
            return []
        self._given_up = True
        return self._release(Fate.PASS)

    def end(self) -> list[Fate]:
        """No more blocks will come."""
        return self._release(Fate.PASS)

    def _release(self, fate: Fate) -> list[Fate]:
        count, self._held = self._held, 0
        return [fate] * count
