"""What a text model's answer is taken for, and when asking again can help."""

import pytest

from core.text_answer import TextModelError, read_answer, refused


def failure(text: str = "{}", *, finished: str = "STOP", blocked: str = "") -> tuple[str, bool]:
    """The sentence of an answer that is none, and whether the question is put again."""
    with pytest.raises(TextModelError) as failed:
        read_answer("gemini-x", text, finished=finished, blocked=blocked)
    return str(failed.value), failed.value.retryable


@pytest.mark.parametrize("finished", ["STOP", "", "FINISH_REASON_UNSPECIFIED", "MAX_TOKENS"])
def test_a_whole_object_is_the_answer(finished: str) -> None:
    assert read_answer("gemini-x", '{"a": {"b": 1.5}}', finished=finished) == {"a": {"b": 1.5}}


def test_an_answer_that_was_cut_off_is_not_asked_for_again() -> None:
    sentence = "the answer of gemini-x was cut off at its limit (MAX_TOKENS)"
    for text in ('{"fluency": {"val', ""):
        assert failure(text, finished="MAX_TOKENS") == (sentence, False)


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "RECITATION", "BLOCKLIST", "SPII"])
def test_what_a_filter_stopped_counts_for_nothing_and_is_not_asked_for_again(reason: str) -> None:
    assert failure('{"fluency": 9}', finished=reason) == (f"gemini-x refused to answer ({reason})", False)


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "BLOCKLIST", "JAILBREAK"])
def test_a_question_that_was_blocked_is_not_put_again(reason: str) -> None:
    assert failure("", finished="", blocked=reason) == (f"gemini-x refused the question ({reason})", False)


def test_a_reason_is_a_name_and_nothing_else() -> None:
    assert failure("", blocked="\x1b[31mkey AIza") == (
        "gemini-x refused the question (for a reason that is not known)",
        False,
    )


@pytest.mark.parametrize(
    ("text", "finished", "sentence"),
    [
        ('{"a": 1}', "OTHER", "gemini-x stopped in mid-answer (OTHER)"),
        ("", "STOP", "gemini-x gave an empty answer"),
        ("Sure! Here are the scores.", "STOP", "gemini-x did not answer in JSON"),
        ('{"a": NaN}', "STOP", "gemini-x did not answer in JSON"),
        ("[" * 100_000, "STOP", "gemini-x did not answer in JSON"),
        ('{"a": "' + "x" * 1_000_000 + '"}', "STOP", "gemini-x did not answer in JSON"),
        ("[1]", "STOP", "gemini-x answered with something else than an object"),
    ],
)
def test_what_may_come_right_is_asked_for_again(text: str, finished: str, sentence: str) -> None:
    assert failure(text, finished=finished) == (sentence, True)


def test_a_model_that_was_retired_is_named_and_not_asked_again() -> None:
    error = refused("gemini-1.0-pro", 404, "the service answered 404 NOT_FOUND")
    assert str(error) == (
        "gemini-1.0-pro failed: the service answered 404 NOT_FOUND: it is not offered, or not any more;"
        " name another `text_model`"
    )
    assert not error.retryable


@pytest.mark.parametrize(
    ("status", "again"), [(400, False), (401, False), (403, False), (408, True), (429, True), (500, True), (503, True)]
)
def test_a_refused_request_is_repeated_where_another_time_may_be_better(status: int, again: bool) -> None:
    assert refused("gemini-x", status, f"the service answered {status}").retryable is again
