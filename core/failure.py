"""What may be said of an exception outside the log.

The text of an exception that a library raised may hold whatever the library had in its hands: a header with the key in
it, a file's content, an answer of somebody else. It belongs in the log, where secrets are masked. The record, the page
and the receiver of a webhook get a sentence of ours.
"""

import errno
import os
import re
import sysconfig
from types import TracebackType

# Top-level packages whose exceptions say what we wrote.
OURS = frozenset({"colloquy", "core", "processors", "transports", "pipeline"})

_LIBRARIES = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))

_STATUS = re.compile(r"[A-Z][A-Z_]{1,40}")

_RUN_OUT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ENOSPC})

# By the name of a class or of one it inherits from; the first in the error's own order counts.
_SENTENCES = {
    "TimeoutError": "there was no answer in time",
    "TimeoutException": "there was no answer in time",
    "ConnectionRefusedError": "the connection was refused",
    "ConnectionResetError": "the connection was cut",
    "BrokenPipeError": "the connection was cut",
    "ConnectionAbortedError": "the connection was cut",
    "IncompleteReadError": "the connection was cut",
    "gaierror": "the host's name cannot be resolved",
    "SSLCertVerificationError": "the certificate is not trusted",
    "SSLError": "TLS could not be agreed on",
    "InvalidURL": "the address is not valid",
    "RemoteProtocolError": "the answer is not HTTP",
    "UnicodeError": "a text holds a character that cannot be sent",
    "MemoryError": "there is no memory left",
}


def explained(error: BaseException) -> str:
    """An exception in words of ours, without a full stop; its own text only where we have written that."""
    if is_ours(error):
        return " ".join(str(error).split()) or type(error).__name__
    for one in _chain(error):
        for cls in type(one).__mro__:
            if (sentence := _SENTENCES.get(cls.__name__)) is not None:
                return sentence
        if (answered := _answered(one)) is not None:
            return answered
        if isinstance(one, OSError) and one.errno is not None and one.errno > 0:
            return os.strerror(one.errno).lower()
    name = type(error).__name__
    return f"{name}, which the log explains" if str(error) else name


def is_exhaustion(error: BaseException | None) -> bool:
    """Whether an exception says that this process, or its machine, has run out of memory, descriptors or disk."""
    return error is not None and any(
        isinstance(one, MemoryError) or (isinstance(one, OSError) and one.errno in _RUN_OUT) for one in _chain(error)
    )


def is_ours(error: BaseException) -> bool:
    """Whether an exception is of a class of ours, or was raised by our code or a user's, not by a library."""
    if type(error).__module__.partition(".")[0] in OURS:
        return True
    if isinstance(error, OSError | UnicodeError | KeyError):
        return False  # raised without a frame of its own, with somebody else's text
    frame = _innermost(error.__traceback__)
    if frame is None:
        return False
    module = str(frame.tb_frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] in OURS or not frame.tb_frame.f_code.co_filename.startswith((*_LIBRARIES, "<"))


def _innermost(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback


def _answered(error: BaseException) -> str | None:
    """The status that a service answered with; what it wrote beside that is not ours to pass on."""
    code, status = getattr(error, "code", None), getattr(error, "status", None)
    if not isinstance(code, int) or isinstance(code, bool):
        return None
    name = f" {status}" if isinstance(status, str) and _STATUS.fullmatch(status) else ""
    return f"the service answered {code}{name}"


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it, at most ten deep."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found and len(found) < 10:
        found.append(following)
        following = following.__cause__ or following.__context__
    return found
