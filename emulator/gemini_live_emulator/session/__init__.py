"""One Live session: setup, user audio, transcription, replies, usage, resumption and faults."""
