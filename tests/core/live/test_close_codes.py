"""Every row of the tables is reachable, and nothing but a row of them is final."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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

TEXTS = [(rule, text) for rule in CLOSES for text in rule.texts]


@pytest.mark.parametrize(("rule", "text"), TEXTS, ids=lambda one: one if isinstance(one, str) else "")
def test_every_text_is_found_wherever_it_stands_and_by_its_own_row_first(rule: Rule, text: str) -> None:
    for told in (text, text.upper(), f"Request trace id: 5f3a, [ORIGINAL ERROR] {text} and more, cut at 123 bytes"):
        told = told.replace("…", "words between")
        assert classify(rule.code or 1008, told) is rule.action
        assert explain(rule.code or 1008, told) == rule.meaning


@pytest.mark.parametrize(
    ("code", "reason", "action"),
    [
        (1011, "Thread was cancelled when writing StartStep status to channel.", CloseAction.RESUME),
        (1011, "Request trace id: 0a1b, [ORIGINAL ERROR] generic::resource_exhausted: x", CloseAction.WAIT),
        (1011, "You exceeded your current quota, please check your plan and billing details.", CloseAction.WAIT),
        (1008, "models/gemini-1 is not found for API version v1beta", CloseAction.GIVE_UP),
        (1007, "Invalid handle", CloseAction.NEW_SESSION),
        (1006, "", CloseAction.RESUME),
        (1005, "", CloseAction.RESUME),
        (1000, "The operation was cancelled.", CloseAction.RESUME),
        (1003, "", CloseAction.RESUME),
        (1007, "Something new", CloseAction.RESUME),
        (1008, "Something new", CloseAction.RESUME),
        (1008, "The response was blocked by the safety filters.", CloseAction.RESUME),
        (1011, "Failed to run inference for model: go/debugonly", CloseAction.RESUME),
        (1011, "This model is currently experiencing high demand.", CloseAction.RESUME),
        (1008, "The session is no longer available.", CloseAction.RESUME),
        (4000, "", CloseAction.RESUME),
    ],
)
def test_closes_seen_in_the_field(code: int, reason: str, action: CloseAction) -> None:
    assert classify(code, reason) is action


@pytest.mark.parametrize(
    ("reason", "what_to_do"),
    [
        ("Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.", "buy"),
        ("You have run out of credits.", "buy"),
        ("Your credit balance is too low.", "buy"),
        ("Your project has exceeded its monthly spending cap.", "cap"),
        ("This API method requires billing to be enabled. Please enable billing on project #1", "billing account"),
        ("Billing is disabled for project 1.", "billing account"),
        ("The billing account for the owning project is disabled in state absent", "billing account"),
        ("generic::permission_denied: Lightning dunning decision is deny for project: 1", "billing account"),
        ("API key not valid. Please pass a valid API key.", "check the key"),
        ("API Key not found. Please pass a valid API key.", "check the key"),
        ("API key expired. Please renew the API key.", "make a new one"),
        ("Your API key was reported as leaked. Please use another API key.", "make a new one"),
        ("Permission denied: Consumer 'api_key:x' has been suspended.", "Cloud console"),
        ("Method doesn't allow unregistered callers (callers without established identity).", "check the key"),
        ("Request had invalid authentication credentials. Expected OAuth 2 access token", "check the key"),
        ("The provided API key has an IP address restriction.", "restriction"),
        ("Requests from referer <empty> are blocked.", "restriction"),
        ("Requests to this API generativelanguage.googleapis.com method Bidi are blocked.", "restriction"),
        ("Generative Language API has not been used in project 1 before or it is disabled.", "enable"),
        ("The Generative Language API is not enabled for project 1.", "enable"),
        ("The caller does not have permission", "access"),
        ("Your project has been denied access. Please contact support.", "access"),
        ("User location is not supported for the API use.", "region"),
        ("Gemini is not available in your country.", "region"),
        ("This model models/gemini-2.0-flash-live-001 is no longer available.", "name"),
        ("Publisher Model `projects/p/models/x` was not found", "name"),
    ],
)
@pytest.mark.parametrize("code", [1007, 1008, 1011])
def test_a_refusal_that_only_the_operator_can_lift_is_final_and_says_what_to_do(
    reason: str, what_to_do: str, code: int
) -> None:
    assert classify(code, reason[:123]) is CloseAction.GIVE_UP
    assert what_to_do in explain(code, reason[:123])
    for status in (400, 401, 403, 404, 429):
        answer = json.dumps({"error": {"code": status, "message": reason, "status": "FAILED_PRECONDITION"}})
        assert classify_refusal(status, answer) is CloseAction.GIVE_UP
        assert what_to_do in explain_refusal(status, answer)


@given(st.integers(1000, 4999), st.text())
def test_only_what_is_listed_is_final(code: int, reason: str) -> None:
    if classify(code, reason) is CloseAction.GIVE_UP:
        assert explain(code, reason) in {rule.meaning for rule in CLOSES}


def test_what_is_not_known_is_named_by_its_code() -> None:
    for code in TRANSIENT:
        assert classify(code, "") is CloseAction.RESUME
        assert explain(code, "") == "The connection was lost."
    assert "1003" in explain(1003, "") and "not known" in explain(1003, "")
    assert "418" in explain_refusal(418) and "not known" in explain_refusal(418)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal.status))
def test_every_refused_upgrade_has_an_action_and_a_sentence(refusal: Refusal) -> None:
    assert classify_refusal(refusal.status) is refusal.action
    assert explain_refusal(refusal.status) == refusal.meaning


@pytest.mark.parametrize("status", [301, 400, 409, 418, 426, 499, 520, 530])
def test_a_status_that_is_not_listed_is_tried_again(status: int) -> None:
    assert classify_refusal(status) is CloseAction.RESUME


def test_a_bill_that_is_not_paid_is_told_from_a_quota_that_is_used_up() -> None:
    credits = "429 RESOURCE_EXHAUSTED: Your prepayment credits are depleted."
    assert classify_refusal(429, credits) is classify(1011, credits) is CloseAction.GIVE_UP
    assert classify_refusal(429, "429 RESOURCE_EXHAUSTED: You exceeded your current quota.") is CloseAction.WAIT


def test_what_a_server_that_fails_says_about_a_key_is_not_believed() -> None:
    assert classify_refusal(503, "API key not valid") is CloseAction.RESUME


def test_no_two_rows_share_a_sentence() -> None:
    rows: tuple[Any, ...] = (*CLOSES, *REFUSALS)
    assert len({row.meaning for row in rows}) == len(rows)
