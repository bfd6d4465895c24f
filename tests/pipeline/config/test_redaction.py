import pytest

from pipeline.config.document import FromEnvironment
from pipeline.config.redaction import malformed_keys, redacted, without_secrets

SECRET = FromEnvironment("AIza-secret", (("KEY", "AIza-secret"),))


@pytest.mark.parametrize("key", ["key", "api_key", "token", "client_secret", "PASSWORD", "x-credentials"])
def test_a_key_that_sounds_secret_hides_its_text(key: str) -> None:
    assert redacted({"a": {key: "x"}}) == {"a": {key: "**********"}}


@pytest.mark.parametrize(("key", "value"), [("keyboard", "x"), ("max_tokens", 9), ("monkey", "x"), ("key", None)])
def test_a_key_that_only_looks_alike_hides_nothing(key: str, value: object) -> None:
    assert redacted({key: value}) == {key: value}


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("postgresql+asyncpg://me:pa@ss@host/db", "postgresql+asyncpg://me:**********@host/db"),
        ("https://:pw@host", "https://:**********@host"),
        ("postgresql://host/db?user=me&password=pw&x=1", "postgresql://host/db?user=me&password=**********&x=1"),
        ("https://host/?key=abc#top", "https://host/?key=**********#top"),
        ("sqlite+aiosqlite:///sessions.db", "sqlite+aiosqlite:///sessions.db"),
        ("https://host:443/a@b", "https://host:443/a@b"),
    ],
)
def test_a_password_in_a_url_is_hidden(url: str, kept: str) -> None:
    assert redacted([url]) == [kept]


def test_a_value_from_the_environment_is_hidden_where_nothing_says_whether_it_is_secret() -> None:
    assert redacted({"x": [SECRET]}, hide_environment=True) == {"x": ["**********"]}
    assert redacted({"x": SECRET}) == {"x": "AIza-secret"}


def test_a_message_names_the_variable_in_place_of_its_content() -> None:
    assert without_secrets("there is no file /a/AIza-secret", SECRET) == "there is no file /a/${KEY}"
    assert without_secrets("no AIza-secret", {"a": [SECRET]}) == "no ${KEY}"


@pytest.mark.parametrize("message", ["AIZA-SECRET!", "it begins with AIza-s", "unexpected a-secret"])
def test_a_message_with_a_piece_of_the_content_is_withheld(message: str) -> None:
    assert without_secrets(message, SECRET) is None


def test_a_message_that_tells_nothing_is_left_as_it_is() -> None:
    assert without_secrets("expected a number", SECRET) == "expected a number"
    assert without_secrets("AIza-secret", "not from the environment") == "AIza-secret"


def test_a_short_content_is_withheld_as_a_whole() -> None:
    assert without_secrets("no file pw9", FromEnvironment("pw9", (("KEY", "pw9"),))) is None


def test_a_key_that_no_header_takes_is_found_by_its_name_wherever_it_stands() -> None:
    data = {
        "api_key": "a b",
        "settings": [{"token": "\u201cx\u201d"}],
        "password": "any thing",
        "keys": "a b",
        "key": "x",
    }
    assert [one.at for one in malformed_keys(data)] == [("api_key",), ("settings", 0, "token")]
