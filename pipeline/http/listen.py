"""A listening socket, or one sentence on why there is none."""

import errno
import socket

# Connections that wait to be accepted: a class that opens the page at once, six for each browser.
BACKLOG = 512


class CannotListen(RuntimeError):
    """The address cannot be listened on; the message says what to do."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises CannotListen, one sentence, when the address is taken, forbidden or not ours."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise CannotListen(
            f"Cannot listen on {host}: no such host; set `host` to an address of this machine."
        ) from error
    listening = socket.socket(family, kind, proto)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListen(f"Cannot listen on {host}:{port}: {_why(error)}.") from error
    listening.setblocking(False)
    return listening


def _why(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "another program has that port; stop it or choose another `port`"
        case errno.EACCES:
            return "this user may not use that port; choose a `port` above 1023"
        case errno.EADDRNOTAVAIL:
            return "that is not an address of this machine; correct `host`"
        case _:
            return (error.strerror or str(error)).lower()
