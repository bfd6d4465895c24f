"""Stage `echo`: mutes the examiner's own voice in the caller's microphone."""
