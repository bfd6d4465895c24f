"""What tokens cost: dated prices per model and modality."""

from decimal import Decimal
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
    """Prices by the beginning of a model's name; the longest match counts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: dict[str, Price]

    @model_validator(mode="before")
    @classmethod
    def _without_a_token_rate(cls, data: Any) -> Any:
        """Refuse a key of former price lists, which had no effect."""
        if isinstance(data, dict) and "audio_tokens_per_second" in cast("dict[Any, Any]", data):
            raise ValueError(
                "audio_tokens_per_second has no effect, remove it: where the service does not say how many tokens audio"
                f" had, {AUDIO_TOKENS_PER_SECOND} a second are counted"
            )
        return cast(Any, data)

    def of(self, model: str) -> Price | None:
        """The price of a model, or None when it is not in the list."""
        name = model.removeprefix("models/")
        prefixes = [prefix for prefix in self.models if name.startswith(prefix)]
        return self.models[max(prefixes, key=len)] if prefixes else None


def cost(counted: Counted, price: Price) -> Decimal:
    """The exact cost of one usage message in US dollars."""
    rates_in = {"text": price.text_in, "audio": price.audio_in}
    rates_out = {"text": price.text_out, "audio": price.audio_out}
    dollars = Decimal(counted.thoughts) * price.text_out
    for modality, tokens in counted.prompt.items():
        dollars += tokens * rates_in.get(modality, price.image_in)
    for modality, tokens in counted.response.items():
        dollars += tokens * rates_out.get(modality, price.text_out)
    return dollars / MILLION
