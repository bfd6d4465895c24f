import base64
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import ConnectionLost, ProblemSeen, UtteranceSpoken
from pipeline.config.document import FromEnvironment
from pipeline.config.loading import load
from pipeline.config.secrets import SECRETS, Secrets, secrets_in

KEY = "AIzaSyD-9tSrke72PouQMnMX/a7eZSW0+kFMBWY="
DATABASE = "postgresql+asyncpg://me:pass@host/db"


@pytest.fixture
def secrets() -> Secrets:
    secrets = Secrets()
    secrets.note([KEY, "s3cret-class"])
    return secrets


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        quote(KEY, safe=""),
        quote_plus(KEY),
        base64.b64encode(KEY.encode()).decode(),
        repr(KEY)[1:-1],
        KEY[:10],
        KEY[:25],
        "s3cret-class",
    ],
)
@pytest.mark.parametrize("text", ["{}", "Illegal header value b'{}\\xe2'", "a {} b {} c", "x{}y", "{}{}"])
def test_a_secret_is_masked_in_every_form_and_cut_off_anywhere(secrets: Secrets, form: str, text: str) -> None:
    shown = secrets.masked(text.replace("{}", form))
    assert KEY[:10] not in shown and form not in shown and "**********" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("{'x-goog-api-key': 'AIzaOther'}", "{'x-goog-api-key': '**********'}"),
        ("(b'Authorization', b'Bearer abc.def')", "(b'Authorization', b'Bearer **********')"),
        ("authorization: Basic dTpw\n", "authorization: Basic **********\n"),
        ("GET wss://host/ws?key=AIzaOther&alt=1", "GET wss://host/ws?key=**********&alt=1"),
        ("postgresql://me:p@w@host/db", "postgresql://me:**********@host/db"),
        ("the cookie jar is open", "the cookie jar is open"),
    ],
)
def test_what_looks_like_another_s_secret_is_masked_too(text: str, shown: str) -> None:
    assert Secrets().masked(text) == shown


@given(st.text(min_size=6, max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_no_text_shows_a_secret_whatever_stands_around_it(secret: str, before: str, after: str) -> None:
    secrets = Secrets()
    secrets.note([secret])
    shown = secrets.masked(before + secret + after)
    assert secret not in shown or secret in "**********" * 12


def test_a_short_word_is_no_secret_that_could_be_told_from_speech() -> None:
    secrets = Secrets()
    secrets.note(["exam", "speaking-class"])
    said = UtteranceSpoken(1.0, "caller", "my exam in the speaking-class", 0.0, 1.0)
    assert secrets.masked("an exam") == "an exam"
    assert secrets.masked_event(said) is said, "in a record stands what was said"


def test_an_event_is_recorded_without_a_key_in_it(secrets: Secrets) -> None:
    lost = ConnectionLost(1.0, 1008, f"Consumer 'api_key:{KEY}' has been suspended.", "give_up")
    assert secrets.masked_event(lost).reason == "Consumer 'api_key:**********' has been suspended."
    clean = ProblemSeen(1.0, "shadow", "it is slow")
    assert secrets.masked_event(clean) is clean


def test_every_secret_of_a_config_is_known_once_it_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "exam.yaml"
    file.write_text(
        "stages: [{use: support.examples:Model, model: m, key: '${SOME_KEY}'}]\n"
        "listen: {use: webrtc, key: plain-in-the-file}\n"
    )
    load(file, {"SOME_KEY": "from-the-environment"})
    assert SECRETS.masked("from-the-environment plain-in-the-file") == "********** **********"


def test_secrets_are_found_by_name_by_variable_and_in_urls() -> None:
    data = {
        "a": [{"api_key": "one"}, {"credentials": FromEnvironment("two", (("X", "two"),))}],
        "b": FromEnvironment("x three", (("MY_TOKEN", "three"),)),
        "database": DATABASE,
        "set": {"gemini_live.key": "four"},
        "keyboard": "no",
    }
    assert set(secrets_in(data)) == {"one", "two", "three", "four", "pass"}
