"""The transcript: fragments to utterances, gaps found and repaired."""
