"""What a call costs here, beside the stock Pipecat pipeline and beside a bare echo."""
