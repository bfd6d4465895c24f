"""The caller's turns: voice activity, endpointing and flushes."""
