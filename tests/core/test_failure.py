import asyncio
import errno
import json
import socket
import ssl

import httpx
import pytest
from google.genai import errors

from core.failure import explained
from transports.webrtc.listener import BadOffer

SECRET = "AIzaSyD-9tSrke72PouQMnMX_a7eZSW0jkFMBWY"


class OtherLibraryError(Exception):
    """Stands for an exception of a library, whose text is whatever it had in its hands."""


OtherLibraryError.__module__ = "library.errors"


def raised_by_a_library() -> Exception:
    """What httpx raises for a header that is not ASCII: its text and its object hold the header."""
    try:
        httpx.Request("GET", "https://localhost", headers={"x-goog-api-key": f"{SECRET}\u200b"})
    except Exception as error:
        return error
    raise AssertionError("httpx took the header")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (TimeoutError(SECRET), "there was no answer in time"),
        (asyncio.IncompleteReadError(SECRET.encode(), 99), "the connection was cut"),
        (ConnectionRefusedError(errno.ECONNREFUSED, SECRET), "the connection was refused"),
        (socket.gaierror(-2, SECRET), "the host's name cannot be resolved"),
        (ssl.SSLCertVerificationError(SECRET), "the certificate is not trusted"),
        (OSError(errno.EMFILE, SECRET), "too many open files"),
        (OSError(SECRET), "OSError, which the log explains"),
        (errors.APIError(1008, {"error": {"message": SECRET, "status": "POLICY"}}), "the service answered 1008 POLICY"),
        (errors.APIError(429, {"error": {"message": SECRET, "status": SECRET}}), "the service answered 429"),
        (OtherLibraryError(SECRET), "OtherLibraryError, which the log explains"),
        (KeyError(SECRET), "KeyError, which the log explains"),
        (raised_by_a_library(), "a text holds a character that cannot be sent"),
    ],
)
def test_the_text_of_an_exception_that_we_did_not_write_is_not_passed_on(error: Exception, sentence: str) -> None:
    assert explained(error) == sentence


def test_what_caused_a_library_s_error_is_named() -> None:
    error = httpx.ConnectError(SECRET)
    error.__cause__ = OSError(SECRET)
    error.__cause__.__cause__ = ConnectionRefusedError(errno.ECONNREFUSED, SECRET)
    assert explained(error) == "the connection was refused"


def test_a_cycle_of_causes_ends() -> None:
    first, second = OtherLibraryError(SECRET), OtherLibraryError(SECRET)
    first.__cause__, second.__cause__ = second, first
    assert explained(first) == "OtherLibraryError, which the log explains"


def test_a_sentence_of_ours_is_passed_on() -> None:
    assert explained(BadOffer("Expected an SDP offer.")) == "Expected an SDP offer."
    with pytest.raises(ValueError, match="no key") as caught:
        raise ValueError("the stage has no key")  # as a stage does that cannot be made
    assert explained(caught.value) == "the stage has no key"


def test_a_value_error_of_the_standard_library_is_not_ours() -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - json's own kind is one
        json.loads(SECRET)
    assert SECRET not in explained(caught.value)
