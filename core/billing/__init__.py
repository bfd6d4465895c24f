"""Token usage, prices, and the ledger of a call."""
