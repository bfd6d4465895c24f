"""Tokens, prices and the ledger of a call."""
