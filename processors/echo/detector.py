"""Is what the microphone hears what was played? Samples in, a judgement of every block out."""

import copy
from dataclasses import dataclass

import numpy as np

from core.audio.echo_gate import Sound
from processors.echo.adaptive_filter import BLOCK, PARTITIONS, RATE, EchoPath, Samples, delay_of

# Echo comes within a second of being played (two jitter buffers and a satellite), and no block of it later than this.
TAIL = round(0.2 * RATE)
# What is played is known up to 60 ms after the first of it can be heard: a transport tells when it has written.
EARLY = round(0.06 * RATE)
# A model that is aligned this much too early has room for a delay that shrinks.
LEAD = 48
# Half a second: long enough that unrelated speech stays below a prominence of 10, in which echo reaches 11 to 40.
LOOK = 16 * BLOCK
SURE = 14.0
# Twice the same delay from different sounds is no chance either.
LIKELY = 9.5
SAME = 12
# ... nor is a model that predicts the microphone this well; unrelated speech was fitted to 0.55 at most, echo to 0.55
# in noise and 0.75 to 0.99 otherwise.
ALIKE = 0.65
LOOK_AFTER = 5
# Below -60 dB of full scale nothing is a sound.
SILENT = 1e-6
OVER_NOISE = 4.0
NOISE_RISES = 1.01
# More than this share of the expected echo left over is somebody speaking.
LEFT_OVER = 1.0
RINGS = 0.5  # what is left of a room's ringing after a block: 0.6 s to -60 dB
CALLER_AFTER = 8
# When a reply begins, or a line has a hiccup, the known delay is off by some hundredths of a second: among so few, a
# lower peak is no chance.
NEAR_BY = RATE // 10
NEAR_LOOK = 10 * BLOCK
LIKELY_NEAR_BY = 6.0
SURE_NEAR_BY = 12.0
ALIKE_NEAR_BY = 0.5
CALLER_STAYS = 16
AUDIBLE = 1e-3  # -30 dB: its echo would be heard
GONE_AFTER = 160  # blocks in which echo was due and none came
PASSES = 3
TRAINED_ON = 14


@dataclass(frozen=True, slots=True)
class Found:
    """Where the echo is: seconds after it was played, and its correlation with what was expected (0 to 1)."""

    delay: float
    likeness: float


class Tape:
    """The last seconds of a signal, by the number of its sample."""

    def __init__(self, seconds: float) -> None:
        self._kept = np.zeros(round(seconds * RATE))
        self.end = 0

    def append(self, samples: Samples) -> None:
        """Add what follows."""
        samples = samples[-len(self._kept) :]
        at = self.end % len(self._kept)
        first = min(len(samples), len(self._kept) - at)
        self._kept[at : at + first] = samples[:first]
        self._kept[: len(samples) - first] = samples[first:]
        self.end += len(samples)

    def skip_to(self, end: int) -> None:
        """Add silence up to sample `end`."""
        missing = end - self.end
        self.append(np.zeros(min(missing, len(self._kept))))
        self.end = end

    def read(self, start: int, length: int) -> Samples:
        """Samples from `start` on; silence where there are none (any more, or yet)."""
        out = np.zeros(length)
        low, high = max(start, self.end - len(self._kept), 0), min(start + length, self.end)
        if high > low:
            size = len(self._kept)
            at, until = low % size, (high - 1) % size + 1
            part = self._kept[at:until] if at < until else np.concatenate((self._kept[at:], self._kept[:until]))
            out[low - start : high - start] = part
        return out


class EchoFinder:
    """Finds the delay, learns the way, judges the blocks. `most` is the longest delay looked for, in seconds."""

    def __init__(self, most: float) -> None:
        self._most = round(most * RATE)
        self._heard = Tape(1.0)
        self._played = Tape(most + 2.0)
        self._sounded_until = -10 * RATE  # the last sample played that was not silence
        self._noise = 1.0
        self._run = self._quiet = 0  # blocks of the present sound, and of quiet after it
        self._guess: tuple[int, int] | None = None  # a delay that may be right, and the sample it was seen at
        self._delay: int | None = None
        self._path = EchoPath(1.0)
        self._powers = np.zeros((3, 2))  # of the last blocks: left over, and expected
        self._ringing = 0.0
        self._near = self._stays = 0
        self._without = 0

    @property
    def position(self) -> int:
        """How many samples of the microphone have been heard."""
        return self._heard.end

    @property
    def played_until(self) -> int:
        """The number of the microphone's sample up to which it is known what was played."""
        return self._played.end

    def played(self, samples: Samples, start: int) -> None:
        """This was played from the microphone's sample `start` on; at the earliest behind what was played before."""
        if start > self._played.end:
            self._played.skip_to(start)
        self._played.append(samples)
        if np.abs(samples).max(initial=0.0) > 1e-3:
            self._sounded_until = self._played.end

    def heard(self, block: Samples) -> tuple[Sound, Found | None]:
        """Judge a block of the microphone, and say so when echo was found that had not been known of."""
        self._heard.append(block)
        level = float(block @ block) / BLOCK
        self._noise = max(min(level, self._noise * NOISE_RISES), 1e-10)
        loud = level > max(SILENT, OVER_NOISE * self._noise)
        longest = self._most if self._delay is None else self._delay
        if self.position - BLOCK > self._sounded_until + longest + TAIL:
            self._rest()
            return Sound.NONE, None
        if self._delay is None:
            return self._look_out(loud)
        return self._judge(block, loud)

    def _rest(self) -> None:
        self._run = self._quiet = self._near = self._stays = 0
        self._guess = None
        self._path.restart()
        self._powers[:] = 0.0
        self._ringing = 0.0

    def _look_out(self, loud: bool) -> tuple[Sound, Found | None]:
        """Nothing is known of an echo."""
        self._quiet = 0 if loud else self._quiet + 1
        if self._quiet > 3 or not (loud or self._run):
            self._run = 0
            return Sound.NONE, None
        self._run += 1
        often = 2 if self._run < 16 else 4
        if self._run < LOOK_AFTER or self._run % often:
            return Sound.DOUBT, None
        delay, prominence = self._search()
        if prominence < LIKELY:
            return Sound.DOUBT, None
        guess, self._guess = self._guess, (delay, self.position)
        agreed = guess is not None and abs(guess[0] - delay) <= SAME
        if agreed and guess is not None:
            self._guess = guess
            agreed = self.position - guess[1] >= LOOK // 4
        if prominence < SURE and not agreed:
            return Sound.DOUBT, None
        found = self._learn(delay)
        return (Sound.DOUBT if found is None else Sound.ECHO), found

    def _judge(self, block: Samples, loud: bool) -> tuple[Sound, Found | None]:
        """An echo is known: is it this, or is somebody speaking?"""
        assert self._delay is not None
        played = self._played.read(self.position - BLOCK - self._delay + LEAD, BLOCK)
        echo = self._path.echo_of(played, block)
        rest = block - echo
        self._powers[:-1] = self._powers[1:]
        self._powers[-1] = float(rest @ rest) / BLOCK, float(echo @ echo) / BLOCK
        left, expected = self._powers.mean(axis=0)
        self._ringing = max(float(expected), self._ringing * RINGS)
        if left <= LEFT_OVER * self._ringing + OVER_NOISE * self._noise + SILENT:
            self._near = 0
            due = float(played @ played) / BLOCK > AUDIBLE  # between words no echo is missed
            self._without = 0 if loud else self._without + due
            if self._without > GONE_AFTER:
                self._forget()
                return Sound.NONE, None
            if self._stays > 0:
                self._stays -= 1
                return Sound.CALLER, None
            return Sound.ECHO, None
        self._near += 1
        self._without += 1
        if self._stays == 0 and self._near > 1 and self._moved():
            return Sound.ECHO, None
        if self._without > GONE_AFTER:
            self._forget()
            return Sound.NONE, None
        if self._near < CALLER_AFTER and self._stays == 0:
            return Sound.DOUBT, None
        self._stays = CALLER_STAYS
        return Sound.CALLER, None

    def _search(self) -> tuple[int, float]:
        start = self.position - LOOK
        at, prominence = delay_of(
            self._heard.read(start, LOOK), self._played.read(start - self._most, LOOK + self._most + EARLY)
        )
        return self._most - at, prominence

    def _moved(self) -> bool:
        """Whether the echo is there after all, a little earlier or later, or somewhere else altogether."""
        assert self._delay is not None
        start, most = self.position - NEAR_LOOK, self._delay + NEAR_BY
        at, prominence = delay_of(
            self._heard.read(start, NEAR_LOOK), self._played.read(start - most, NEAR_LOOK + 2 * NEAR_BY)
        )
        if prominence >= LIKELY_NEAR_BY and abs(most - at - self._delay) > LEAD // 4:
            alike = ALIKE_NEAR_BY if prominence >= SURE_NEAR_BY else ALIKE
            known, fresh = self._path, None
            return any(self._learn(most - at, path, alike) is not None for path in (known, fresh))
        if prominence >= SURE_NEAR_BY and self._near == CALLER_AFTER - 1:
            return self._learn(self._delay) is not None  # it has not moved: what was learnt of its way was wrong
        if self._near % 4 == 0:
            delay, prominence = self._search()
            return prominence >= SURE and abs(delay - self._delay) > NEAR_BY and self._learn(delay) is not None
        return False

    def _learn(self, delay: int, known: EchoPath | None = None, alike: float = ALIKE) -> Found | None:
        """If a model that learns the last moments explains them, then there is echo at this delay."""
        # What is left over began with the move; before it the delay was another.
        blocks = TRAINED_ON if self._delay is None else min(TRAINED_ON, self._near + 2)
        start = self.position - blocks * BLOCK
        heard = self._heard.read(start, blocks * BLOCK)
        before = PARTITIONS * BLOCK
        played = self._played.read(start - before - delay + LEAD, before + len(heard))
        gain = float(np.linalg.norm(heard) / (np.linalg.norm(played[before:]) + 1e-9))
        path = EchoPath(min(1.0, max(gain, 1e-3))) if known is None else copy.deepcopy(known)
        echo = np.zeros(len(heard))
        for _ in range(PASSES if known is None else 1):
            path.restart()
            for at in range(0, before, BLOCK):
                path.remember(played[at : at + BLOCK])
            for at in range(0, len(heard), BLOCK):
                echo[at : at + BLOCK] = path.echo_of(played[before + at : before + at + BLOCK], heard[at : at + BLOCK])
        correlation = float(echo @ heard) / (float(np.linalg.norm(echo) * np.linalg.norm(heard)) + 1e-12)
        if correlation < alike:
            return None
        self._delay, self._path = delay, path
        self._without = self._near = self._stays = 0
        last = (heard - echo)[-3 * BLOCK :], echo[-3 * BLOCK :]
        self._powers[:] = [float(part @ part) / len(part) for part in last]
        self._ringing = float(self._powers[0, 1])
        return Found(delay / RATE, min(1.0, correlation))

    def _forget(self) -> None:
        self._delay = None
        self._rest()
        self._without = 0
