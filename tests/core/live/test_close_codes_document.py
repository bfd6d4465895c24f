"""docs/disconnects.md: its tables are those of core/live/close_codes.py, and its settings exist."""

import re
from pathlib import Path

import pytest

from core import events
from core.live.close_codes import CLOSES, REFUSALS, TRANSIENT, Refusal, Rule
from processors.gemini_live.settings import GeminiLiveSettings

PAGE = (Path(__file__).parents[3] / "docs" / "disconnects.md").read_text(encoding="utf-8")


def row(rule: Rule) -> str:
    """The row of the page about a rule, but for where it was seen."""
    texts = ", ".join(f"`{text}`" for text in rule.texts if text) or "anything else"
    return f"| {rule.code or 'any'} | {texts} | {rule.action} | {rule.meaning} |"


@pytest.mark.parametrize("rule", CLOSES, ids=lambda rule: f"{rule.code} {rule.texts[0]}")
def test_every_close_is_explained(rule: Rule) -> None:
    assert row(rule) in PAGE


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: str(refusal.status))
def test_every_refusal_is_explained(refusal: Refusal) -> None:
    assert f"| {refusal.status} | {refusal.action} | {refusal.meaning} |" in PAGE


def test_the_page_has_no_rows_that_the_tables_have_not() -> None:
    assert len(re.findall(r"^\| (?:1\d{3}|any) \|", PAGE, re.M)) == len(CLOSES)
    assert len(re.findall(r"^\| [2-5]\d\d \|", PAGE, re.M)) == len(REFUSALS)
    assert ", ".join(str(code) for code in sorted(TRANSIENT)) in PAGE


def test_the_settings_and_events_it_names_exist() -> None:
    keys = re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.M)
    assert keys and set(keys) <= set(GeminiLiveSettings.model_fields)
    rows = re.findall(r"^\| `([A-Z]\w+)` \| (.*) \|$", PAGE, re.M)
    assert rows
    for name, fields in rows:
        known = set(events.KINDS[name].__dataclass_fields__)
        assert set(re.findall(r"`(\w+)`", fields)) <= known
