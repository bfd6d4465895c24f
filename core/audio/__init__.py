"""Audio arithmetic: PCM, chunking, the decisions of the echo gate."""
