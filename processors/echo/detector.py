"""Echo detection: samples of both directions in, a decision about every block of the microphone out."""

import copy
from dataclasses import dataclass

import numpy as np

from core.audio.echo_gate import Sound
from processors.echo.adaptive_filter import BLOCK, PARTITIONS, RATE, EchoPath, Samples, delay_of

# Echo comes within a second of playback (two jitter buffers and a satellite), and reverberates for so many samples.
TAIL = round(0.2 * RATE)
# Playback may be reported up to 60 ms after its beginning can be in the microphone: transports report what they wrote.
EARLY = round(0.06 * RATE)
# The filter is aligned so many samples too early, which leaves room for a delay that shrinks.
LEAD = 48
# Half a second: long enough that unrelated speech stays below a prominence of 10, where echo reaches 11 to 40.
SEARCH = 16 * BLOCK
SURE = 14.0
# At a lower prominence, the same delay twice, found in different sounds, is no coincidence either.
LIKELY = 9.5
SAME_DELAY = 12
# ... nor is a filter that predicts the microphone this well; unrelated speech was fitted to 0.55 at most, echo to 0.55
# in noise and 0.75 to 0.99 otherwise.
CORRELATED = 0.65
SEARCH_AFTER = 5  # blocks of a sound
# Below -60 dB of full scale nothing is a sound.
SILENT = 1e-6
OVER_NOISE = 4.0  # a sound has this many times the power of the noise
NOISE_RISES = 1.01
# A residual of more than this share of the predicted echo is the caller.
RESIDUAL = 1.0
DECAY = 0.5  # the share of reverberation that is left after a block: 0.6 s to -60 dB
CALLER_AFTER = 8  # blocks with such a residual
# When a reply begins, or the network stalls, the known delay is off by some hundredths of a second: in so narrow a
# search, a lower peak is no coincidence.
NEARBY = RATE // 10
NEARBY_SEARCH = 10 * BLOCK
LIKELY_NEARBY = 6.0
SURE_NEARBY = 12.0
CORRELATED_NEARBY = 0.5
CALLER_STAYS = 16  # blocks without a residual that still pass
AUDIBLE = 1e-3  # -30 dB: its echo would be in the microphone
GONE_AFTER = 160  # blocks in which echo was expected and none came
PASSES = 3  # over the blocks that a new filter is trained on
TRAINING_BLOCKS = 14


@dataclass(frozen=True, slots=True)
class Found:
    """An echo: seconds after playback, and its correlation with the predicted echo (0 to 1)."""

    delay: float
    likeness: float


class RingBuffer:
    """The last seconds of a signal, addressed by sample numbers from its beginning."""

    def __init__(self, seconds: float) -> None:
        self._samples = np.zeros(round(seconds * RATE))
        self.end = 0

    def append(self, samples: Samples) -> None:
        """Add the samples that follow."""
        samples = samples[-len(self._samples) :]
        at = self.end % len(self._samples)
        first = min(len(samples), len(self._samples) - at)
        self._samples[at : at + first] = samples[:first]
        self._samples[: len(samples) - first] = samples[first:]
        self.end += len(samples)

    def skip_to(self, end: int) -> None:
        """Add silence up to sample `end`."""
        missing = end - self.end
        self.append(np.zeros(min(missing, len(self._samples))))
        self.end = end

    def read(self, start: int, length: int) -> Samples:
        """`length` samples from `start` on; silence where there are none any more, or none yet."""
        out = np.zeros(length)
        low, high = max(start, self.end - len(self._samples), 0), min(start + length, self.end)
        if high > low:
            size = len(self._samples)
            at, until = low % size, (high - 1) % size + 1
            part = (
                self._samples[at:until] if at < until else np.concatenate((self._samples[at:], self._samples[:until]))
            )
            out[low - start : high - start] = part
        return out


class EchoDetector:
    """Finds the delay, adapts a filter to the echo path, classifies the blocks.

    `longest` is the longest delay searched for, in seconds.
    """

    def __init__(self, longest: float) -> None:
        self._longest = round(longest * RATE)
        self._microphone = RingBuffer(1.0)
        self._played = RingBuffer(longest + 2.0)
        self._audible_until = -10 * RATE  # the last sample played that was not silence
        self._noise = 1.0
        self._loud_blocks = self._quiet_blocks = 0  # of the present sound, and of quiet after it
        self._candidate: tuple[int, int] | None = None  # a delay that may be right, and the sample it was found at
        self._delay: int | None = None
        self._path = EchoPath(1.0)
        self._powers = np.zeros((3, 2))  # of the last blocks: residual, and predicted echo
        self._reverberation = 0.0
        self._residual_blocks = self._stays = 0
        self._without = 0

    @property
    def position(self) -> int:
        """How many samples of the microphone have been received."""
        return self._microphone.end

    @property
    def played_until(self) -> int:
        """The number of the microphone's sample up to which playback is known."""
        return self._played.end

    def on_playback(self, samples: Samples, start: int) -> None:
        """Add audio played from the microphone's sample `start` on, at the earliest from the end of the last audio."""
        if start > self._played.end:
            self._played.skip_to(start)
        self._played.append(samples)
        if np.abs(samples).max(initial=0.0) > 1e-3:
            self._audible_until = self._played.end

    def on_block(self, block: Samples) -> tuple[Sound, Found | None]:
        """The sound of the microphone's next block, and an echo that was found with it."""
        self._microphone.append(block)
        level = float(block @ block) / BLOCK
        self._noise = max(min(level, self._noise * NOISE_RISES), 1e-10)
        loud = level > max(SILENT, OVER_NOISE * self._noise)
        longest = self._longest if self._delay is None else self._delay
        if self.position - BLOCK > self._audible_until + longest + TAIL:
            self._reset()
            return Sound.NONE, None
        if self._delay is None:
            return self._search_echo(loud)
        return self._classify(block, loud)

    def _reset(self) -> None:
        self._loud_blocks = self._quiet_blocks = self._residual_blocks = self._stays = 0
        self._candidate = None
        self._path.restart()
        self._powers[:] = 0.0
        self._reverberation = 0.0

    def _search_echo(self, loud: bool) -> tuple[Sound, Found | None]:
        """Classify a block while no echo is known."""
        self._quiet_blocks = 0 if loud else self._quiet_blocks + 1
        if self._quiet_blocks > 3 or not (loud or self._loud_blocks):
            self._loud_blocks = 0
            return Sound.NONE, None
        self._loud_blocks += 1
        interval = 2 if self._loud_blocks < 16 else 4
        if self._loud_blocks < SEARCH_AFTER or self._loud_blocks % interval:
            return Sound.DOUBT, None
        delay, prominence = self._search()
        if prominence < LIKELY:
            return Sound.DOUBT, None
        candidate, self._candidate = self._candidate, (delay, self.position)
        agreed = candidate is not None and abs(candidate[0] - delay) <= SAME_DELAY
        if agreed and candidate is not None:
            self._candidate = candidate
            agreed = self.position - candidate[1] >= SEARCH // 4
        if prominence < SURE and not agreed:
            return Sound.DOUBT, None
        found = self._train(delay)
        return (Sound.DOUBT if found is None else Sound.ECHO), found

    def _classify(self, block: Samples, loud: bool) -> tuple[Sound, Found | None]:
        """Classify a block while an echo is known: echo or caller."""
        assert self._delay is not None
        played = self._played.read(self.position - BLOCK - self._delay + LEAD, BLOCK)
        echo = self._path.echo_of(played, block)
        residual = block - echo
        self._powers[:-1] = self._powers[1:]
        self._powers[-1] = float(residual @ residual) / BLOCK, float(echo @ echo) / BLOCK
        left, predicted = self._powers.mean(axis=0)
        self._reverberation = max(float(predicted), self._reverberation * DECAY)
        if left <= RESIDUAL * self._reverberation + OVER_NOISE * self._noise + SILENT:
            self._residual_blocks = 0
            expected = float(played @ played) / BLOCK > AUDIBLE  # between words there is no echo to miss
            self._without = 0 if loud else self._without + expected
            if self._without > GONE_AFTER:
                self._lose_echo()
                return Sound.NONE, None
            if self._stays > 0:
                self._stays -= 1
                return Sound.CALLER, None
            return Sound.ECHO, None
        self._residual_blocks += 1
        self._without += 1
        if self._stays == 0 and self._residual_blocks > 1 and self._moved():
            return Sound.ECHO, None
        if self._without > GONE_AFTER:
            self._lose_echo()
            return Sound.NONE, None
        if self._residual_blocks < CALLER_AFTER and self._stays == 0:
            return Sound.DOUBT, None
        self._stays = CALLER_STAYS
        return Sound.CALLER, None

    def _search(self) -> tuple[int, float]:
        start = self.position - SEARCH
        at, prominence = delay_of(
            self._microphone.read(start, SEARCH),
            self._played.read(start - self._longest, SEARCH + self._longest + EARLY),
        )
        return self._longest - at, prominence

    def _moved(self) -> bool:
        """Whether the residual is the echo at another delay, nearby or anywhere."""
        assert self._delay is not None
        start, latest = self.position - NEARBY_SEARCH, self._delay + NEARBY
        at, prominence = delay_of(
            self._microphone.read(start, NEARBY_SEARCH), self._played.read(start - latest, NEARBY_SEARCH + 2 * NEARBY)
        )
        if prominence >= LIKELY_NEARBY and abs(latest - at - self._delay) > LEAD // 4:
            correlated = CORRELATED_NEARBY if prominence >= SURE_NEARBY else CORRELATED
            return any(self._train(latest - at, path, correlated) is not None for path in (self._path, None))
        if prominence >= SURE_NEARBY and self._residual_blocks == CALLER_AFTER - 1:
            return self._train(self._delay) is not None  # it has not moved: the filter had adapted to something else
        if self._residual_blocks % 4 == 0:
            delay, prominence = self._search()
            return prominence >= SURE and abs(delay - self._delay) > NEARBY and self._train(delay) is not None
        return False

    def _train(self, delay: int, known: EchoPath | None = None, correlated: float = CORRELATED) -> Found | None:
        """The echo at this delay, if a filter (`known`, or a new one) trained on the last blocks predicts them."""
        # The residual began when the echo moved; before that the delay was another.
        blocks = TRAINING_BLOCKS if self._delay is None else min(TRAINING_BLOCKS, self._residual_blocks + 2)
        start = self.position - blocks * BLOCK
        microphone = self._microphone.read(start, blocks * BLOCK)
        before = PARTITIONS * BLOCK
        played = self._played.read(start - before - delay + LEAD, before + len(microphone))
        gain = float(np.linalg.norm(microphone) / (np.linalg.norm(played[before:]) + 1e-9))
        path = EchoPath(min(1.0, max(gain, 1e-3))) if known is None else copy.deepcopy(known)
        echo = np.zeros(len(microphone))
        for _ in range(PASSES if known is None else 1):
            path.restart()
            for at in range(0, before, BLOCK):
                path.add_played(played[at : at + BLOCK])
            for at in range(0, len(microphone), BLOCK):
                echo[at : at + BLOCK] = path.echo_of(
                    played[before + at : before + at + BLOCK], microphone[at : at + BLOCK]
                )
        correlation = float(echo @ microphone) / (float(np.linalg.norm(echo) * np.linalg.norm(microphone)) + 1e-12)
        if correlation < correlated:
            return None
        self._delay, self._path = delay, path
        self._without = self._residual_blocks = self._stays = 0
        last = (microphone - echo)[-3 * BLOCK :], echo[-3 * BLOCK :]
        self._powers[:] = [float(part @ part) / len(part) for part in last]
        self._reverberation = float(self._powers[0, 1])
        return Found(delay / RATE, min(1.0, correlation))

    def _lose_echo(self) -> None:
        self._delay = None
        self._reset()
        self._without = 0
