"""Token counts to money.

The service bills every turn for the whole context again: the bill is the sum of all usage messages, not the last one
(discuss.ai.google.dev/t/173248: within 3 % of the invoice). Details by modality come and go, so what is missing is
estimated from the audio that went over the line, and marked.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from core.service import TokenCounts

# Audio tokens a second on the Live API, both ways. Vendor's provisioned-throughput example for Live: 10 s are 250
# tokens; 32 a second is the rate of the non-Live audio models.
AUDIO_TOKENS_PER_SECOND = 25
# English text, by Google's rule of thumb (ai.google.dev/gemini-api/docs/tokens).
CHARACTERS_PER_TOKEN = 4
MILLION = Decimal(1_000_000)


class Price(BaseModel):
    """US dollars per million tokens of one model, by direction and modality."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text_in: Decimal = Field(ge=0)
    audio_in: Decimal = Field(ge=0)
    image_in: Decimal = Field(ge=0)
    text_out: Decimal = Field(ge=0, description="thinking is billed at this rate too")
    audio_out: Decimal = Field(ge=0)
    source: str = Field(description="where the figures come from")
    date: str = Field(description="when they were read there, as YYYY-MM-DD")


class PriceList(BaseModel):
    """Prices by the beginning of a model's name; the longest that fits counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    audio_tokens_per_second: int = AUDIO_TOKENS_PER_SECOND
    models: dict[str, Price]

    def of(self, model: str) -> Price | None:
        """The price of a model, or None when the list does not know it."""
        name = model.removeprefix("models/")
        fitting = [prefix for prefix in self.models if name.startswith(prefix)]
        return self.models[max(fitting, key=len)] if fitting else None


@dataclass(frozen=True, slots=True)
class Counted:
    """Tokens of one usage message with every modality filled in."""

    prompt: dict[str, int]
    response: dict[str, int]
    thoughts: int
    estimated: bool

    @property
    def total(self) -> int:
        """All tokens that cost money."""
        return sum(self.prompt.values()) + sum(self.response.values()) + self.thoughts


def fill_in(counts: TokenCounts, audio_in: int, audio_out: int) -> Counted:
    """Counts with every token in a modality.

    `audio_in` is about how many audio tokens the context holds, `audio_out` how many the reply had. They decide only
    what the service left out.
    """
    prompt_total, response_total = counts.prompt_total, counts.response_total
    if not (prompt_total or response_total or counts.prompt or counts.response):
        response_total = min(audio_out, counts.total)
        prompt_total = counts.total - response_total
    prompt, guessed_prompt = _spread(counts.prompt, prompt_total, audio_in)
    response, guessed_response = _spread(counts.response, response_total, audio_out)
    return Counted(prompt, response, counts.thoughts, guessed_prompt or guessed_response)


def _spread(details: dict[str, int], total: int, audio: int) -> tuple[dict[str, int], bool]:
    missing = total - sum(details.values())
    if missing <= 0:
        return dict(details), False
    spread = dict(details)
    as_audio = min(missing, max(0, audio - spread.get("audio", 0)))
    for modality, tokens in (("audio", as_audio), ("text", missing - as_audio)):
        if tokens:
            spread[modality] = spread.get(modality, 0) + tokens
    return spread, True


def cost(counted: Counted, price: Price) -> Decimal:
    """US dollars, exact."""
    rates_in = {"text": price.text_in, "audio": price.audio_in}
    rates_out = {"text": price.text_out, "audio": price.audio_out}
    dollars = Decimal(counted.thoughts) * price.text_out
    for modality, tokens in counted.prompt.items():
        dollars += tokens * rates_in.get(modality, price.image_in)
    for modality, tokens in counted.response.items():
        dollars += tokens * rates_out.get(modality, price.text_out)
    return dollars / MILLION


@dataclass
class Ledger:
    """What a call has cost so far. Money never falls."""

    prices: PriceList
    usd: Decimal = Decimal(0)
    tokens: int = 0
    estimated: bool = False
    unpriced: set[str] = field(default_factory=set[str])

    def charge(self, model: str, counted: Counted) -> Decimal:
        """Add one usage message; returns its cost. A model without a price counts tokens only."""
        price = self.prices.of(model)
        dollars = cost(counted, price) if price else Decimal(0)
        if price is None:
            self.unpriced.add(model)
        self.usd += dollars
        self.tokens += counted.total
        self.estimated |= counted.estimated
        return dollars
