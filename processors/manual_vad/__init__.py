"""Stage `manual_vad`: voice activity, turn edges and flushes."""
