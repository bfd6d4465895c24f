"""The properties of the Live model families, by the beginning of the model's name.

From public reports, not from a contract; every figure has a setting that overrules it. Sources: ai.google.dev
live-api/session-management (about ten minutes a connection), kazunori279/interpretab (9:50 measured on 3.1),
discuss.ai.google.dev/t/186392 (58:00 measured on 3.8), google-gemini/gemini-skills (history and text on 3.1).
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """`lifetime` is how long a connection lives, in seconds.

    `text` is how text that nobody spoke is sent: as realtimeInput or clientContent. `history` is how a new session is
    seeded with the conversation so far: as content at any time, or only as the initial history that setup announces.
    """

    lifetime: float
    text: Literal["realtime", "content"]
    history: Literal["content", "initial"]


FAMILIES = (
    ("gemini-2.5", ModelFacts(590, "content", "content")),
    ("gemini-3.1", ModelFacts(590, "realtime", "initial")),
    ("gemini-3.8", ModelFacts(3480, "realtime", "initial")),
)

# A model newer than this table: the stricter of what is known.
UNKNOWN = ModelFacts(590, "realtime", "initial")


def model_facts(model: str) -> ModelFacts:
    """The properties of a model's family; `UNKNOWN` for none of them."""
    name = model.removeprefix("models/")
    return next((known for prefix, known in FAMILIES if name.startswith(prefix)), UNKNOWN)
