"""How a Live conversation is held, and the few words we say to the model ourselves."""

from dataclasses import dataclass, field
from typing import Literal

from core.floor import GateMode
from core.link import LinkPolicy
from core.watch import WatchPolicy

# What is said to a model that owes a reply and is silent. Nobody hears it.
NUDGE = "The candidate has finished. Please go on."
# What is said to a model whose words came without a sound. A session that is older than they are has not said them.
MUTE = (
    "The candidate has heard nothing from you since they last spoke: there was no sound. Say aloud what is to be said."
    " If you have said it already, say it again."
)
# What is said to a model whose caller has been silent for long.
PROMPT = "The candidate has been silent for a while. Ask whether they are still there, then repeat your question."
# What is said at the end of an answer to a model that had begun to reply to a part of it.
UNHEARD = (
    "The candidate has not heard what you said last: the answer was not finished. Take all of it as one answer, and say"
    " again whatever is still to be said."
)


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """How the conversation is held.

    `gate`: what becomes of what the model says while the caller has the floor: "hold" keeps the reply to a flush and
    lets it go if the caller turns out to have finished with it, "drop" throws it away, "off" lets it be heard.
    `grace`: seconds that the reply to an answer shorter than the exam plan expects is held back; 0 never.
    `tell_unheard`: a model whose reply nobody heard is told so. `hold_during_calls`: nothing reaches the model while it
    waits for a function. `check`: the longest the first words after a reconnect are held back to see whether the model
    still knows the exam; 0 does not look. `idle`: seconds of everybody's silence after which the examiner is told to
    speak up. `stale_handle`: a session that is resumed from
    before the end of a turn is told of that turn in words ("tell"), or given up for a new one ("fresh").
    """

    link: LinkPolicy = field(default_factory=LinkPolicy)
    watch: WatchPolicy = field(default_factory=WatchPolicy)
    gate: GateMode = "hold"
    grace: float = 2.0
    tell_unheard: bool = True
    hold_during_calls: bool = True
    check: float = 1.5
    idle: float | None = 40.0
    memory_seconds: float = 120.0
    stale_handle: Literal["tell", "fresh"] = "tell"
