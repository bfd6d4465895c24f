"""The shadow stage: a second transcriber beside the Live session."""
