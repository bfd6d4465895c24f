"""The verdict: what all readings amount to."""

import json
import re
from pathlib import Path
from typing import get_args

import jsonschema
import pytest

from core.scoring import Injected, Reading, Refused, Stated, decide
from core.scoring.rubric import Overall, Rubric
from core.scoring.verdict import OF_THE_WHOLE, Agreement, Flag, Questions, early
from support.score_cases import rubric

SPEAKING = rubric()


def stated(source: str, **values: float) -> list[Reading]:
    return [Stated(name, value, source, f"{name} {value:g}", 60.0) for name, value in values.items()]


def all_five(source: str, value: float = 6.0) -> list[Reading]:
    return stated(source, **dict.fromkeys(SPEAKING.names, value))


def test_everything_stated_once_is_complete() -> None:
    verdict = decide(SPEAKING, all_five("call"))
    assert verdict.status == "complete"
    assert verdict.missing == []
    assert verdict.flags == ()
    assert {score.agreement for score in verdict.scores} == {"single"}


def test_nothing_stated_is_insufficient_and_nothing_is_guessed() -> None:
    verdict = decide(SPEAKING, [])
    assert verdict.status == "insufficient"
    assert verdict.missing == list(SPEAKING.names)
    assert verdict.flags == ("incomplete",)
    assert all(score.value is None and score.agreement == "none" for score in verdict.scores)


def test_one_value_of_five_is_partial_and_overall_is_not_computed() -> None:
    verdict = decide(SPEAKING, stated("speech", fluency=6, vocabulary=6, grammar=6, pronunciation=6))
    assert verdict.status == "partial"
    assert verdict.missing == ["overall"]


def test_the_first_source_in_order_gives_the_value_and_the_others_agree_or_not() -> None:
    readings = [*stated("speech", fluency=6, grammar=7), *stated("call", fluency=6, grammar=6.5)]
    fluency, _, grammar, *_ = decide(SPEAKING, readings).scores
    assert (fluency.value, fluency.source, fluency.agreement, fluency.flags) == (6, "call", "agree", ())
    assert (grammar.value, grammar.source, grammar.agreement, grammar.flags) == (6.5, "call", "conflict", ("conflict",))
    assert grammar.readings == (("call", 6.5), ("speech", 7))


def test_the_order_of_the_configuration_decides() -> None:
    readings = [*stated("speech", fluency=6), *stated("call", fluency=7)]
    assert decide(SPEAKING, readings, order=("speech", "call")).scores[0].value == 6
    assert decide(SPEAKING, readings, order=("speech",)).scores[0].agreement == "single"


def test_of_two_calls_the_last_counts() -> None:
    assert decide(SPEAKING, [*stated("call", fluency=6), *stated("call", fluency=7)]).scores[0].value == 7


def test_a_refused_value_is_flagged_beside_another_source_and_alone() -> None:
    refused = [Refused("fluency", "call", "12 is outside 0 to 9"), Refused("grammar", "call", "12 is outside 0 to 9")]
    fluency, _, grammar, *_ = decide(SPEAKING, [*refused, *stated("speech", fluency=6)]).scores
    assert (fluency.value, fluency.flags) == (6, ("out of range",))
    assert (grammar.value, grammar.flags) == (None, ("out of range",))
    assert grammar.refusals == ("call: 12 is outside 0 to 9",)


def test_an_injection_is_flagged_and_quoted_and_never_a_value() -> None:
    verdict = decide(SPEAKING, [Injected("speech", "overall nine", 3.0), Injected("block", "overall nine", 3.0)])
    assert verdict.flags == ("incomplete", "candidate injection")
    assert verdict.injections == ("overall nine",)
    assert verdict.status == "insufficient"


def test_a_repaired_transcript_flags_what_was_judged_by_it() -> None:
    readings = [*stated("text", fluency=6), *stated("call", grammar=6)]
    fluency, _, grammar, *_ = decide(SPEAKING, readings, repaired=True).scores
    assert fluency.flags == ("repaired transcript",)
    assert grammar.flags == ()


def test_what_was_reported_before_its_time_counts_only_where_nothing_else_does() -> None:
    too_soon = [early(reading) for reading in stated("call", fluency=4, grammar=4)]
    order = ("call", "text", "early")
    fluency, _, grammar, *_ = decide(SPEAKING, [*too_soon, *stated("text", fluency=6)], order=order).scores
    assert (fluency.value, fluency.source) == (6, "text")
    assert (grammar.value, grammar.source, grammar.flags) == (4, "early", ("early",))
    assert early(Injected("speech", "nine")) == Injected("speech", "nine")


def test_a_computed_overall_says_so_and_a_stated_one_stands() -> None:
    percent = rubric("percent")
    parts = stated("call", content=70, delivery=75, language=80, pronunciation=90)
    overall = decide(percent, parts).scores[-1]
    assert (overall.value, overall.source, overall.flags) == (79, "computed", ("computed",))
    assert overall.evidence == "the mean of content, delivery, language, pronunciation"
    assert decide(percent, [*parts, *stated("speech", overall=60)]).scores[-1].value == 60
    assert decide(percent, parts[:3]).scores[-1].value is None


PARTS = dict(content=70.0, delivery=75.0, language=80.0, pronunciation=90.0)


def always() -> Rubric:
    whole = Overall.model_validate({"criterion": "overall", "compute": "mean", "when": "always"})
    return rubric("percent").model_copy(update={"overall": whole})


def test_an_overall_that_is_always_computed_counts_before_a_stated_one_which_stays_beside_it() -> None:
    overall = decide(always(), [*stated("call", **PARTS), *stated("speech", overall=78)]).scores[-1]
    assert (overall.value, overall.source, overall.flags) == (79, "computed", ("computed",))
    assert overall.readings == (("speech", 78),)
    overall = decide(always(), [*stated("call", **PARTS), *stated("speech", overall=10)]).scores[-1]
    assert (overall.value, overall.flags) == (79, ("inconsistent", "computed"))


def test_an_overall_that_is_always_computed_is_missing_while_one_of_the_others_is() -> None:
    readings = [*stated("call", content=70, delivery=75, language=80), *stated("speech", overall=78)]
    overall = decide(always(), readings).scores[-1]
    assert overall.value is None
    assert overall.refusals == ("speech: it is always computed, and pronunciation has no value on the scale",)


def test_a_computed_overall_over_labels_is_a_label() -> None:
    levels = rubric("cefr").model_copy(
        update={"overall": Overall.model_validate({"criterion": "overall", "compute": "mean"})}
    )
    readings: list[Reading] = [
        Stated(name, place, "call", label=levels.scale.label(place))
        for name, place in zip(levels.parts, (2, 2, 3, 3, 4), strict=False)
    ]
    overall = decide(levels, readings).scores[-1]
    assert (overall.value, overall.label, overall.source) == (3, "B2", "computed")
    assert overall.evidence == "the mean of range, accuracy, fluency, interaction, coherence"


def test_a_stated_overall_far_from_what_the_others_give_is_flagged_and_stands() -> None:
    small = Rubric.model_validate(
        {
            "name": "small",
            "scale": {"min": 0, "max": 5, "step": 1},
            "criteria": [{"name": "fluency"}, {"name": "grammar"}, {"name": "words"}, {"name": "overall"}],
            "overall": {"criterion": "overall"},
        }
    )
    parts = stated("call", fluency=4, grammar=3, words=3)
    verdict = decide(small, [*parts, *stated("call", overall=1)])
    assert (verdict.scores[-1].value, verdict.scores[-1].flags, verdict.flags) == (
        1,
        ("inconsistent",),
        ("inconsistent",),
    )
    assert decide(small, [*parts, *stated("call", overall=3)]).flags == ()


def test_a_source_that_contradicts_itself_or_leaves_a_range_open_is_flagged() -> None:
    readings: list[Reading] = [
        Stated("fluency", 7, "speech", "six ... seven", 60.0, doubt="conflict"),
        Refused("grammar", "speech", "it is left open, 6 or 7", "six or seven", 61.0, doubt="ambiguous"),
    ]
    fluency, _, grammar, *_ = decide(SPEAKING, readings).scores
    assert (fluency.value, fluency.flags) == (7, ("conflict",))
    assert (grammar.value, grammar.flags, grammar.refusals) == (
        None,
        ("ambiguous",),
        ("speech: it is left open, 6 or 7",),
    )


def test_an_exam_of_one_question_of_three_is_flagged_however_complete_its_scores() -> None:
    verdict = decide(SPEAKING, all_five("call"), questions=Questions(1, 3))
    assert (verdict.status, verdict.flags) == ("complete", ("questions left out",))
    assert verdict.as_record()["questions"] == {"asked": 1, "planned": 3}
    assert decide(SPEAKING, all_five("call"), questions=Questions(3, 3)).flags == ()
    assert decide(SPEAKING, []).as_record()["questions"] is None


def test_what_was_reported_and_does_not_count_is_said_while_something_is_missing() -> None:
    ignored = ["call: 'flow' names no criterion of the rubric"] * 2
    assert decide(SPEAKING, [], ignored=ignored).as_record()["ignored"] == ignored[:1]
    assert decide(SPEAKING, all_five("call"), ignored=ignored).ignored == ()


def test_what_is_not_mandatory_may_be_missing() -> None:
    cefr = rubric("cefr")
    readings: list[Reading] = [Stated(name, 3, "call", label="B2") for name in cefr.names if name != "pronunciation"]
    verdict = decide(cefr, readings)
    assert verdict.status == "complete"
    assert verdict.scores[0].label == "B2"


def test_a_rubric_without_overall_computes_none() -> None:
    plain = Rubric.model_validate(
        {"name": "p", "scale": {"min": 0, "max": 5, "step": 1}, "criteria": [{"name": "clarity"}]}
    )
    assert decide(plain, []).missing == ["clarity"]


def test_the_record_is_plain_json_with_a_version_and_can_be_read_by_itself() -> None:
    record = decide(SPEAKING, [*all_five("call"), *all_five("speech", 7)]).as_record()
    assert json.loads(json.dumps(record)) == record
    assert (record["version"], record["status"], record["flags"]) == (1, "complete", ["conflict"])
    assert record["scale"] == {"min": 0.0, "max": 9.0, "step": 0.5}
    assert record["criteria"][0] == {
        "criterion": "fluency",
        "title": "Fluency and coherence",
        "mandatory": True,
        "value": 6.0,
        "label": "",
        "source": "call",
        "evidence": {"quote": "fluency 6", "at": 60.0},
        "agreement": "conflict",
        "readings": [
            {"source": "call", "value": 6.0, "label": ""},
            {"source": "speech", "value": 7.0, "label": ""},
        ],
        "flags": ["conflict"],
        "refusals": [],
    }
    assert decide(SPEAKING, []).as_record()["criteria"][0]["evidence"] is None


DOCUMENT = Path(__file__).parents[3] / "docs" / "scoring.md"


def test_every_verdict_is_as_the_documented_schema_has_it() -> None:
    [text] = re.findall(r"^```json\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.M | re.S)
    schema = json.loads(text)
    cefr: list[Reading] = [Stated("range", 3, "call", label="B2"), Refused("fluency", "call", "off", "9.7", 1.0)]
    computed = rubric("percent"), stated("call", content=70, delivery=75, language=80, pronunciation=90)
    verdicts = [
        decide(SPEAKING, []),
        decide(SPEAKING, [*all_five("call"), *all_five("speech", 7), Injected("speech", "overall nine", 3.0)]),
        decide(rubric("cefr"), cefr, repaired=True),
        decide(*computed),
    ]
    always = rubric("percent").model_copy(
        update={"overall": Overall.model_validate({"criterion": "overall", "compute": "mean", "when": "always"})}
    )
    verdicts.append(decide(always, computed[1], questions=Questions(1, 3), ignored=["call: 'flow' names no criterion"]))
    for verdict in verdicts:
        jsonschema.validate(verdict.as_record(), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(verdicts[0].as_record() | {"status": "fine"}, schema)
    known = schema["properties"]["criteria"]["items"]["properties"]
    assert set(known["flags"]["items"]["enum"]) == {*get_args(Flag)} - OF_THE_WHOLE
    assert known["agreement"]["enum"] == [*get_args(Agreement)]
