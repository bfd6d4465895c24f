"""What a call costs here, beside the stock Pipecat pipeline and beside a bare echo."""

import sys

from loguru import logger

# Before Pipecat is imported, since it logs as it loads; and no more than `colloquy serve` does, since logging would be
# measured too.
logger.remove()
logger.add(sys.stderr, level="WARNING")
