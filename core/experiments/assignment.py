"""Assignment of units, such as callers, to the arms of an experiment."""

import math
from collections.abc import Mapping
from hashlib import blake2b


def assign(experiment: str, unit: str, weights: Mapping[str, float]) -> str:
    """The arm of a unit: always the same, on every machine, in whatever order the arms are written.

    Arms draw lots for each unit and the best lot wins, so that with more weight an arm only takes units from the
    others, with less it only gives some up, a new arm only takes, and those of a removed arm are shared out by weight.
    Only the ratios of weights matter. An arm of weight 0 gets nobody. Raises ValueError when no arm can win.
    """
    for arm, weight in weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(f"experiment {experiment!r}: the weight of arm {arm!r} is not a finite number from 0 up")
    running = [arm for arm, weight in weights.items() if weight > 0]
    if not running:
        raise ValueError(f"experiment {experiment!r}: no arm has a weight above 0")
    return max(running, key=lambda arm: (weights[arm] / _lot(experiment, unit, arm), arm))


def _lot(experiment: str, unit: str, arm: str) -> float:
    """An exponentially distributed number above 0 that only these three names decide.

    With lots e_i of rate 1, arm i has the least e_i / w_i with probability w_i / sum(w): weighted rendezvous hashing
    (Schindelhauer and Schomaker, "Weighted Distributed Hash Tables", SPAA 2005).
    """
    digest = blake2b(digest_size=8)
    for part in (experiment, unit, arm):
        text = part.encode("utf-8", "surrogatepass")
        digest.update(len(text).to_bytes(8, "big") + text)  # the length keeps "a", "bc" and "ab", "c" apart
    # 53 bits fill a float's mantissa; the half keeps the fraction off both 0 and 1.
    fraction = ((int.from_bytes(digest.digest(), "big") >> 11) + 0.5) / 2**53
    return -math.log(fraction)
