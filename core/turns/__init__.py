"""The caller's turns: voice activity detection, endpointing and flushes."""
