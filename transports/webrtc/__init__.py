"""Transport `webrtc`: a browser as the caller."""

import aioice.ice

# Every 5 s aioice asks whether the far end still wants packets (RFC 7675), waits half a second for the answer and does
# not ask again; after six misses it closes the call. On a machine that is busy for half a minute that ends calls of
# callers who are there. Whoever is gone is noticed sooner by their missing pings (`listener.ABSENT_AFTER`).
aioice.ice.CONSENT_FAILURES = 12
