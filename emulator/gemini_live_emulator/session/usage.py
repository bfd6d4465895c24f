"""Tokens: what the context holds, and what a turn costs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from gemini_live_emulator.protocol.wire import Json
from gemini_live_emulator.scenario import Usage

Modality = Literal["TEXT", "AUDIO", "IMAGE"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One stretch of the conversation as the model keeps it."""

    role: Literal["user", "model"]
    modality: Modality
    tokens: int
    text: str = ""
    opens: bool = False  # the first entry of a user turn: where compression may cut


@dataclass(frozen=True, slots=True)
class Bill:
    """What one turn would be billed."""

    prompt: dict[str, int]
    response: dict[str, int]
    thoughts: int

    def as_json(self) -> Json:
        """Write the bill for the truth file."""
        return {"prompt": self.prompt, "response": self.response, "thoughts": self.thoughts}


@dataclass(frozen=True, slots=True)
class Context:
    """The conversation in tokens; immutable, so that a session handle can keep it."""

    rules: Usage
    system: int = 0
    entries: tuple[Entry, ...] = field(default=())

    def with_system(self, text: str) -> Context:
        """Count the system instruction and the tools anew."""
        return replace(self, system=self.text_tokens(text))

    def text_tokens(self, text: str) -> int:
        """Count the tokens of a text."""
        return math.ceil(len(text) / self.rules.characters_per_token)

    def audio_tokens(self, seconds: float) -> int:
        """Count the tokens of a stretch of audio."""
        return round(seconds * self.rules.audio_per_second)

    def add(self, *entries: Entry) -> Context:
        """Append to the conversation."""
        added = tuple(entry for entry in entries if entry.tokens or entry.text)
        return replace(self, entries=self.entries + added) if added else self

    def tokens(self) -> int:
        """Count everything the model reads before it answers."""
        return self.rules.preamble + self.system + sum(entry.tokens for entry in self.entries)

    def prompt(self) -> dict[str, int]:
        """Count the same by modality."""
        counts = {"TEXT": self.rules.preamble + self.system}
        for entry in self.entries:
            counts[entry.modality] = counts.get(entry.modality, 0) + entry.tokens
        return {modality: count for modality, count in counts.items() if count}

    def compressed(self, target: int) -> Context:
        """Drop the oldest turns until the target is met, cutting where a user turn starts.

        The system instruction stays (googleapis/python-genai types.py, SlidingWindow).
        """
        entries = self.entries
        total = self.tokens()
        while total > target:
            cut = next((i for i in range(1, len(entries)) if entries[i].opens), None)
            if cut is None:
                break
            total -= sum(entry.tokens for entry in entries[:cut])
            entries = entries[cut:]
        return replace(self, entries=entries)


def usage_metadata(bill: Bill, rules: Usage, details: bool, vertex: bool) -> Json:
    """Write a bill as the service does: every turn counts the whole context again."""
    # Vertex names the answer's tokens differently: googleapis/python-genai _live_converters.py.
    answer = "candidates" if vertex else "response"
    prompt, response = sum(bill.prompt.values()), sum(bill.response.values())
    total = prompt + response + (bill.thoughts if rules.total_has_thoughts else 0)
    usage: Json = {
        "promptTokenCount": prompt,
        f"{answer}TokenCount": response,
        "totalTokenCount": total,
    }
    if bill.thoughts:
        usage["thoughtsTokenCount"] = bill.thoughts
    if details:
        usage["promptTokensDetails"] = _by_modality(bill.prompt)
        usage[f"{answer}TokensDetails"] = _by_modality(bill.response)
    return usage


def _by_modality(counts: dict[str, int]) -> list[Json]:
    return [{"modality": name, "tokenCount": count} for name, count in counts.items() if count]
