"""The Live conversation: connection, turns, replies, replay and context."""
