"""Stage `manual_vad`: voice activity detection, endpointing and flushes."""
