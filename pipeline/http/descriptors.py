"""File descriptors: as many as the system allows, most of them for calls, the rest for connections to the page."""

import resource
from contextlib import suppress

from loguru import logger

from pipeline.http.connections import ConnectionLimits

# For the process itself: its database, log, loop, libraries, and what is opened for a moment.
OF_PROCESS = 128
# For a call: UDP sockets of its peer connection (one for each address of this machine), two connections to the service
# while it moves from one to the other, files that its audio spills into.
OF_CALL = 24
# Connections beyond these are never needed: a browser opens six.
MOST = 1024
LEAST = 32


def raise_limit() -> int:
    """Raise this process's descriptor limit as far as it may; the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # macOS has a hard limit without end, and a lower one for real
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return soft if soft != resource.RLIM_INFINITY else 2**20


def limits_of(descriptors: int, max_calls: int) -> ConnectionLimits:
    """The connections for which a descriptor limit leaves room beside so many calls; half of them for one address."""
    needed = OF_PROCESS + OF_CALL * max_calls
    total = min(descriptors - needed, MOST)
    if total < LEAST:
        logger.warning(
            "{} open files are allowed (`ulimit -n`), too few for {} calls and the page, which need {}:"
            " allow more, or lower `max_calls`.",
            descriptors,
            max_calls,
            needed + LEAST,
        )
        total = LEAST
    return ConnectionLimits(total, max(total // 2, LEAST // 2))
