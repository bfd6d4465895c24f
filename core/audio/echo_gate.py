"""What becomes of a block of the microphone once the echo detector has judged it: passed, held or muted.

A block is held back only while it is undecided whether its sound is echo or the caller, and at most for `MAX_HELD`
blocks. Silence, the caller and known echo are never delayed.
"""

from dataclasses import dataclass, field
from enum import Enum

# Blocks of 32 ms, a third of a second: what it takes to recognise the examiner's voice by its first syllables.
MAX_HELD = 10


class Sound(Enum):
    """What the detector finds in a block of the microphone."""

    NONE = "none"  # nothing that could be echo
    ECHO = "echo"  # the examiner's voice, or the quiet between its words
    DOUBT = "doubt"  # a sound while echo is possible, not decided yet
    CALLER = "caller"  # not explained by echo


class Fate(Enum):
    """What becomes of a block."""

    PASS = "pass"
    MUTE = "mute"


# The fate of this block and of those held back in doubt: a sound too short to be decided passes.
FATES = {Sound.NONE: Fate.PASS, Sound.CALLER: Fate.PASS, Sound.ECHO: Fate.MUTE}


@dataclass
class EchoGate:
    """Sounds in; out come the fates of the blocks held back, oldest first, this one included. No block is lost."""

    _held: int = field(default=0, init=False)
    _passing: bool = field(default=False, init=False)  # undecided for too long: passes until there is quiet or echo

    def on_block(self, sound: Sound) -> list[Fate]:
        """The fates that follow from the next block."""
        self._held += 1
        if sound is not Sound.DOUBT:
            self._passing = False
            return self._release(FATES[sound])
        if not self._passing and self._held < MAX_HELD:
            return []
        self._passing = True
        return self._release(Fate.PASS)

    def finish(self) -> list[Fate]:
        """The fates of all blocks held back: no more will come."""
        return self._release(Fate.PASS)

    def _release(self, fate: Fate) -> list[Fate]:
        count, self._held = self._held, 0
        return [fate] * count
