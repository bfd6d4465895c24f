"""What tokens cost: dated prices per model and modality."""

from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from core.billing.usage import AUDIO_TOKENS_PER_SECOND, Counted

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
