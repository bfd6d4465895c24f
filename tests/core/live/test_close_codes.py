"""Every row of the table is reachable, and an unknown end is not retried for ever."""

import pytest

from core.live.close_codes import (
    CLOSES,
    REFUSALS,
    TRANSIENT,
    CloseAction,
    Refusal,
    Rule,
    classify,
    classify_refusal,
    explain,
    explain_refusal,
)


@pytest.mark.parametrize("rule", CLOSES, ids=lambda rule: f"{rule.code} {rule.prefix}")
def test_every_row_is_the_first_to_match_its_own_reason(rule: Rule) -> None:
    assert classify(rule.code, rule.prefix + " and more, cut at 123 bytes") is rule.action
    assert explain(rule.code, rule.prefix) == rule.meaning


@pytest.mark.parametrize(
    ("code", "reason", "action"),
    [
        (1011, "Thread was cancelled when writing StartStep status to channel.", CloseAction.RESUME),
        (1011, "Request trace id: 0a1b, [ORIGINAL ERROR] generic::resource_exhausted: x", CloseAction.WAIT),
        (1008, "models/gemini-1 is not found for API version v1beta", CloseAction.GIVE_UP),
        (1006, "", CloseAction.RESUME),
        (1000, "The operation was cancelled.", CloseAction.RESUME),
        (1003, "", CloseAction.GIVE_UP),
        (1007, "Something new", CloseAction.GIVE_UP),
    ],
)
def test_closes_seen_in_the_field(code: int, reason: str, action: CloseAction) -> None:
    assert classify(code, reason) is action


def test_transient_codes_are_resumed_and_explained() -> None:
    for code in TRANSIENT:
        assert classify(code, "") is CloseAction.RESUME
        assert explain(code, "") == "The connection was lost."
    assert explain(1003, "") == "The service closed the connection for good."


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal.status))
def test_every_refused_upgrade_has_an_action_and_a_sentence(refusal: Refusal) -> None:
    assert classify_refusal(refusal.status) is refusal.action
    assert explain_refusal(refusal.status) == refusal.meaning


def test_a_refused_upgrade_is_retried_only_when_it_may_help() -> None:
    assert classify_refusal(401) is classify_refusal(403) is classify_refusal(400) is CloseAction.GIVE_UP
    assert classify_refusal(418) is CloseAction.GIVE_UP and "for good" in explain_refusal(418)
    assert classify_refusal(520) is CloseAction.RESUME and "failed" in explain_refusal(520)


def test_no_two_refusals_share_a_status_or_a_sentence() -> None:
    assert (
        len({refusal.status for refusal in REFUSALS}) == len({refusal.meaning for refusal in REFUSALS}) == len(REFUSALS)
    )
