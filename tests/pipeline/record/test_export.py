"""A record becomes a document, and no word of a candidate becomes anything but a word."""

import io
import json
import re
from dataclasses import fields, replace
from decimal import Decimal
from itertools import pairwise

import av
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.events import SegmentTiming, UtteranceSpoken, VerdictGiven
from core.scoring import Injected, Refused, Stated, decide
from pipeline.record.export import as_json, as_markdown, as_webvtt, clock, dollars
from pipeline.record.models import CriterionScore, LoggedEvent, SessionOpening, SessionRecord, Usage, Utterance
from pipeline.record.plain_text import plain
from pipeline.record.projection import SessionState, score_rows, session_columns, usage_row, utterance_row
from pipeline.record.subtitles import CUE, parts
from support.record import EXAM, OPENED_AT, opening
from support.score_cases import rubric

NASTY = [
    "# heading",
    "<script>alert(1)</script>",
    "[link](http://example.org) ![image](x.png) <http://example.org> www.example.org a@example.org",
    "| cell | cell |",
    "`code` ``` *a* _b_ ~~c~~ **d** &amp; &lt; \\",
    "one\n\n## two\n\n- three\r\n\u2028---\n",
    "00:00:01.000 --> 00:00:02.000",
    "NOTE x\n\n00:01.000 --> 00:02.000\n<v Examiner>I give you a nine",
    "</v><v Examiner>nine</v>",
    "\u202egnirts a\u2069 \x1b[31mred\x07",
    "1. one - two + three = four > five $x^2$ :smile: http://example.org",
]

words = st.one_of(
    st.sampled_from(NASTY),
    st.text("#*_`[]()<>|&\\-=+~!:.@$^1a \n", max_size=30),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)


def record(*said: str, evidence: str = "", detail: str = "") -> SessionRecord:
    """The record of the exam, with these words in it."""
    events = [LoggedEvent.of(seq, event) for seq, event in enumerate(EXAM, 1)]
    known = SessionState(OPENED_AT, "open", None, None, 10.0)
    begun = opening("s-1", arm="pause", experiment="flush")
    scores = [{**row, "evidence": evidence or row["evidence"]} for row in score_rows(events)]
    columns = session_columns(known, events)
    return SessionRecord(
        **{field.name: getattr(begun, field.name) for field in fields(SessionOpening) if field.name != "access_hash"}
        | columns
        | {"detail": detail},
        access_hash="0badcafe",
        utterances=tuple(
            Utterance(**utterance_row(event) | ({"text": said[index]} if index < len(said) else {}))
            for index, event in enumerate(event for event in events if event.kind == "UtteranceSpoken")
        ),
        scores=tuple(CriterionScore(**{key: row[key] for key in row if key != "seq"}) for row in scores),
        usage=tuple(Usage(**usage_row(event)) for event in events if event.kind == "UsageReported"),
        events=tuple(events),
    )


# --- JSON


def test_json_has_the_keys_that_programs_rely_on() -> None:
    values = json.loads(as_json(record()))
    assert list(values) == [
        "schema_version", "id", "opened_at", "closed_at", "state", "why", "detail", "config_name", "transport",
        "caller", "experiment", "arm", "model", "scored", "usd", "estimated", "tokens", "seconds", "latency_p50",
        "latency_p95", "frames_late", "cpu", "completeness", "gaps", "repaired",
        "config", "verdict_pending", "webhook_pending", "utterances", "scores", "usage", "events", "verdict",
    ]  # fmt: skip
    assert values["schema_version"] == 2
    assert (values["opened_at"], values["closed_at"]) == ("2026-03-04T10:30:00.000Z", "2026-03-04T10:30:10.000Z")
    assert values["usd"] == "0.001" and values["usage"][0]["usd"] == "0.000123456789012"
    assert values["events"][-1] == {
        "seq": 14,
        "at": 10.0,
        "kind": "CallEnded",
        "data": {"at": 10.0, "why": "completed", "detail": ""},
    }


def test_json_does_not_show_the_hash_of_the_access_token() -> None:
    assert "0badcafe" not in as_json(record())


@given(words)
def test_json_gives_the_words_back(text: str) -> None:
    assert json.loads(as_json(record(text)))["utterances"][0]["text"] == text


def judged(document: SessionRecord, quote: str = "fluency six") -> SessionRecord:
    """The record with a verdict in it."""
    readings = [
        Stated("fluency", 6, "call", quote, 9.0),
        Stated("fluency", 7, "speech", quote, 9.0),
        Refused("grammar", "call", "9.7 is not on a step of 0.5"),
        Injected("speech", quote),
    ]
    verdict = decide(rubric(), readings)
    given = LoggedEvent.of(99, VerdictGiven(10.0, verdict.status, verdict.as_record()))
    return replace(document, events=(*document.events, given))


def test_json_has_the_verdict_that_was_given_last_or_none() -> None:
    assert json.loads(as_json(record()))["verdict"] is None
    verdict = json.loads(as_json(judged(judged(record()), "six for fluency")))["verdict"]
    assert (verdict["version"], verdict["status"]) == (1, "partial")
    assert verdict["criteria"][0]["evidence"] == {"quote": "six for fluency", "at": 9.0}


# --- Markdown


def tokens(document: str) -> list[Token]:
    """The document as a Markdown reader sees it: GitHub's tables, and addresses made links."""
    found = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(document)
    return [token for block in found for token in (block.children or [block])]


def shape(document: str) -> list[tuple[str, str]]:
    """What the document is made of, apart from its words."""
    return [(token.type, token.tag) for token in tokens(document) if token.type not in ("text", "text_special")]


@given(words, words)
@example(*NASTY[:2])
def test_no_words_change_what_a_report_is_made_of(text: str, evidence: str) -> None:
    spoken = text if plain(text) else "something"
    given = evidence if plain(evidence) else "something"
    assert shape(as_markdown(record(spoken, evidence=given, detail=text))) == shape(
        as_markdown(record("harmless", evidence="harmless", detail="harmless"))
    )


@given(words)
def test_a_report_shows_the_words_that_were_said(text: str) -> None:
    found = tokens(as_markdown(record(text)))
    assert plain(text) in "".join(token.content for token in found if token.type in ("text", "text_special"))


@pytest.mark.parametrize("text", ["see http://example.org", "see www.example.org", "WWW.example.org", "a@example.org"])
def test_no_words_become_a_link_where_addresses_do(text: str) -> None:
    document = as_markdown(record(text))
    for address in ("http://", "www.", "a@example"):
        assert address not in document.lower()


def test_a_report_says_calmly_what_there_is_to_say_about_the_scores() -> None:
    report = as_markdown(judged(record())).replace("\\", "")
    assert "Verdict: partial, some criteria have no value." in report
    assert "- Fluency and coherence: the readings differ (call 6, speech 7)" in report
    assert "- Grammatical range and accuracy: not taken from call: 9.7 is not on a step of 0.5" in report
    assert "- Candidate: the candidate said what looks like a score; it does not count" in report


def test_a_report_reads_well() -> None:
    assert (
        as_markdown(record("What is your <name>?"))
        == """\
# Session s-1

- **Opened**: 2026-03-04 10:30:00 UTC
- **Ended**: completed
- **Length**: 00:10
- **Config**: offline
- **Model**: gemini-live
- **Transport**: wav
- **Caller**: anna
- **Arm**: pause of flush
- **Response**: p50 0.62 s, p95 0.91 s
- **Frames late**: 2
- **CPU**: 50 ms per second of call

## Scores

| Criterion | Score | Source | Evidence |
| --- | --- | --- | --- |
| fluency | 6.5 | call | \\{"fluency"\\: 6.5\\} |
| pronunciation | none |  | too little was said |

## Cost

USD 0.0010, 30 tokens

| Tokens | Prompt | Response |
| --- | --- | --- |
| audio | 14 | 10 |
| text | 6 | 0 |

## Transcript

**00:01 Examiner** What is your &lt;name&gt;?

**00:03 Caller** My name is Anna.

## What happened

- 00:00 caller connected (transport wav)
- 00:05 end announced (time left 50)
- 00:06 lost (code 1011, reason Internal error encountered., action resume)
- 00:07 score refused (criterion fluency, source speech, why 11 is not on the scale)
- 00:09 no score (criterion pronunciation, why too little was said)
- 00:10 call ended (why completed)
"""
    )


def test_a_report_says_how_complete_the_transcript_is_and_which_transcriber_it_is_from() -> None:
    whole = record()
    sources = zip(whole.utterances, ("shadow", "repaired"), strict=True)
    utterances = tuple(replace(one, source=source) for one, source in sources)
    report = as_markdown(replace(whole, completeness=0.954, gaps=2, repaired=1, utterances=utterances))
    assert "- **Transcript**: 95% of the caller's voice, 2 gaps, 1 repaired\n" in report
    assert "*(second transcriber)*" in report and "*(repaired)*" in report
    assert "- **Transcript**: 100% of the caller's voice\n" in as_markdown(replace(whole, completeness=1.0, gaps=0))


def test_a_session_of_which_nothing_is_known_yet_has_a_report() -> None:
    bare = replace(
        record(), state="open", why=None, seconds=None, usd=None, tokens=None, model=None, arm=None, closed_at=None,
        latency_p50=None, latency_p95=None, frames_late=None, cpu=None, completeness=None,
        utterances=(), scores=(), usage=(), events=(),
    )  # fmt: skip
    report = as_markdown(bare)
    assert "- **Ended**: open\n" in report and "None given.\n" in report and "\nunknown\n" in report
    assert "None" not in report.replace("None given.", "")
    assert as_webvtt(bare) == "WEBVTT\n"


# --- WebVTT


def cues(document: str) -> list[tuple[float, float, str]]:
    """The cues as FFmpeg reads them."""
    with av.open(io.BytesIO(document.encode()), format="webvtt") as container:
        base = container.streams[0].time_base
        return [
            (float(packet.pts * base), float((packet.pts + packet.duration) * base), bytes(packet).decode())
            for packet in container.demux()
            if packet.size
        ]


def test_subtitles_are_cues_with_voices() -> None:
    assert (
        as_webvtt(record("Fish & <chips> --> you?"))
        == """\
WEBVTT

00:00:01.000 --> 00:00:02.000
<v Examiner>Fish &amp; &lt;chips&gt; --&gt; you?

00:00:03.500 --> 00:00:04.500
<v Caller>My name is Anna.
"""
    )


@given(words.filter(plain))
@example(NASTY[6])
@example(NASTY[7])
def test_no_words_make_a_cue_or_a_voice(text: str) -> None:
    document = as_webvtt(record(text))
    first, second = cues(document)
    assert first[:2] == (1.0, 2.0) and second == (3.5, 4.5, "<v Caller>My name is Anna.")
    assert document.count("-->") == 2 and document.count("<v ") == 2 and document.count("<") == 2


def test_a_cue_ends_after_it_begins_and_hours_are_counted() -> None:
    late = replace(record().utterances[0], started=3723.4567, ended=3723.4567)
    early = replace(late, started=-0.5, ended=-0.5)
    document = as_webvtt(replace(record(), utterances=(early, late)))
    assert "00:00:00.000 --> 00:00:00.001\n" in document and "01:02:03.457 --> 01:02:03.458\n" in document


def long_answer(text: str, *times: tuple[int, float, float]) -> Utterance:
    spoken = UtteranceSpoken(70.0, "caller", text, 10.0, 60.0, times=tuple(SegmentTiming(*one) for one in times))
    return Utterance(**utterance_row(LoggedEvent.of(1, spoken)))


def test_a_long_answer_is_as_many_cues_as_its_times_make() -> None:
    said = long_answer(
        "One two, three & four. Five.", (0, 10.0, 13.0), (4, 13.0, 16.0), (15, 20.0, 26.0), (23, 50.0, 59.0)
    )
    document = as_webvtt(replace(record(), utterances=(said,)))
    assert cues(document) == [
        (10.0, 16.0, "<v Caller>One two, three"),
        (20.0, 26.0, "<v Caller>&amp; four."),
        (50.0, 59.0, "<v Caller>Five."),
    ]
    short = replace(said, ended=17.0)
    assert as_webvtt(replace(record(), utterances=(short,))).count("-->") == 1


def test_times_that_do_not_fit_the_text_are_left_out() -> None:
    for offsets in ((0, 9, 5), (0, 5, 5), (0, 5, 99)):
        said = long_answer("One two three.", *((offset, 10.0 * n, 10.0 * n + 9) for n, offset in enumerate(offsets, 1)))
        assert parts(said) == [("One two three.", 10.0, 60.0)]
    event = LoggedEvent(1, 1.0, "UtteranceSpoken", {"text": "One two.", "times": [{"offset": 0}, 7, {"started": "x"}]})
    assert utterance_row(event)["times"] == []


@given(st.lists(st.tuples(st.text("ab&<", min_size=1, max_size=5), st.floats(0.1, 9), st.floats(0, 9)), min_size=1))
def test_cues_are_in_order_and_lose_no_word(said: list[tuple[str, float, float]]) -> None:
    times, text, at = list[tuple[int, float, float]](), "", 10.0
    for word, seconds, pause in said:
        times.append((len(text), at, at + seconds))
        text, at = f"{text}{word} ", at + seconds + pause
    found = parts(long_answer(text.strip(), *times))
    assert "".join(text for text, _, _ in found) == text.strip()
    assert all(started < ended for _, started, ended in found)
    assert all(before[2] <= after[1] for before, after in pairwise(found))
    assert all(ended - started <= max(CUE, 9.0) + 1e-6 for _, started, ended in found) or len(times) == 1


def spoken(speaker: str, started: float, ended: float, text: str) -> Utterance:
    event = UtteranceSpoken(ended, speaker, text, started, ended)  # pyright: ignore[reportArgumentType]
    return Utterance(**utterance_row(LoggedEvent.of(1, event)))


def test_what_was_said_during_a_long_answer_stands_where_it_was_said() -> None:
    answer = replace(
        long_answer("One. Two. Three.", (0, 0.0, 7.0), (5, 7.0, 14.0), (10, 14.0, 21.0)), started=0.0, ended=21.0
    )
    document = as_webvtt(replace(record(), utterances=(answer, spoken("examiner", 8.0, 9.0, "I see."))))
    assert cues(document) == [
        (0.0, 7.0, "<v Caller>One."),
        (7.0, 8.0, "<v Caller>Two."),
        (8.0, 9.0, "<v Examiner>I see."),
        (14.0, 21.0, "<v Caller>Three."),
    ]


def test_what_was_said_at_the_same_time_is_one_cue() -> None:
    both = spoken("caller", 1.0, 5.0, "I think so."), spoken("examiner", 1.2, 2.0, "Go on.")
    assert cues(as_webvtt(replace(record(), utterances=both))) == [
        (1.0, 5.0, "<v Caller>I think so.\n<v Examiner>Go on.")
    ]


@given(st.lists(st.tuples(st.sampled_from(["caller", "examiner"]), st.floats(0, 60), st.floats(0, 30))))
def test_cues_of_two_sides_are_in_order_and_never_on_the_screen_together(
    said: list[tuple[str, float, float]],
) -> None:
    utterances = tuple(spoken(side, at, at + seconds, f"word{n}.") for n, (side, at, seconds) in enumerate(said))
    document = as_webvtt(replace(record(), utterances=utterances))
    times = re.findall(r"^([\d:.]+) --> ([\d:.]+)$", document, re.M)
    assert all(started < ended for started, ended in times)
    assert all(before[1] <= after[0] for before, after in pairwise(times))
    assert len(re.findall(r"word\d+\.", document)) == len(said)


def test_json_has_the_times_of_an_answers_parts() -> None:
    said = long_answer("One two.", (0, 10.0, 13.0), (4, 13.0, 16.0))
    [written] = json.loads(as_json(replace(record(), utterances=(said,))))["utterances"]
    assert written["times"] == [
        {"offset": 0, "started": 10.0, "ended": 13.0}, {"offset": 4, "started": 13.0, "ended": 16.0}
    ]  # fmt: skip


def test_a_side_that_said_nothing_has_no_cue() -> None:
    assert as_webvtt(record("  \n ")).count("-->") == 1


# --- what people read


@pytest.mark.parametrize(("seconds", "said"), [(0, "00:00"), (59.99, "00:59"), (75 * 60 + 3, "75:03"), (-1, "00:00")])
def test_a_time_is_minutes_and_seconds(seconds: float, said: str) -> None:
    assert clock(seconds) == said


@pytest.mark.parametrize(
    ("usd", "said"),
    [(None, "unknown"), ("0", "USD 0.0000"), ("0.00001", "less than USD 0.0001"), ("12.34567", "USD 12.3457")],
)
def test_an_amount_has_four_decimals(usd: str | None, said: str) -> None:
    assert dollars(None if usd is None else Decimal(usd)) == said


def test_an_estimate_is_called_one() -> None:
    assert dollars(Decimal("0.5"), estimated=True) == "USD 0.5000 (estimated)"


def test_a_session_cut_off_says_why() -> None:
    cut = replace(record(), why="connection given up", detail="three attempts failed")
    assert "- **Ended**: connection given up\\: three attempts failed\n" in as_markdown(cut)
