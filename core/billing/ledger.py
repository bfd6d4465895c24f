"""The ledger of one call: its cost and its tokens so far."""

from dataclasses import dataclass, field
from decimal import Decimal

from core.billing.prices import PriceList, cost
from core.billing.usage import Counted


@dataclass
class Ledger:
    """The cost and tokens of a call so far; both never fall.

    `estimated` when any of it is, `unpriced` the models that the price list does not have.
    """

    prices: PriceList
    usd: Decimal = Decimal(0)
    tokens: int = 0
    estimated: bool = False
    unpriced: set[str] = field(default_factory=set[str])

    def charge(self, model: str, counted: Counted) -> Decimal:
        """Add one usage message; returns its cost in US dollars. A model without a price adds tokens only."""
        price = self.prices.of(model)
        dollars = cost(counted, price) if price else Decimal(0)
        if price is None:
            self.unpriced.add(model)
        self.usd += dollars
        self.tokens += counted.total
        self.estimated |= counted.estimated
        return dollars
