"""Sound without sound cards: PCM arithmetic, chunking, the echo gate's decisions."""
