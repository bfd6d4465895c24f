"""When, how often and where faults come, on imagined time."""

from typing import Any

import pytest

from gemini_live_emulator.faults.catalogue import FAULTS
from gemini_live_emulator.faults.effects import Change
from gemini_live_emulator.faults.rewrites import cancelled_call
from gemini_live_emulator.protocol.outputs import Close, Drop, Send
from gemini_live_emulator.scenario import Scenario
from gemini_live_emulator.session.simulated_client import SimulatedClient

BOTH: dict[str, Any] = {"inputAudioTranscription": {}, "outputAudioTranscription": {}, "sessionResumption": {}}
BASE = Scenario.load("scripted")


def play(*rules: dict[str, Any], sessions: Any = None, turns: int = 2, **changes: Any) -> SimulatedClient:
    """Hold some turns under faults, as far as they let one."""
    it = SimulatedClient(BASE.changed(faults=list(rules), **changes), sessions=sessions).set_up(**BOTH)
    it.begin()
    for _ in range(turns):
        it.wait(10)
        it.say(1)
    it.wait(10)
    return it


def test_by_default_an_end_comes_in_the_second_turn_and_once_on_a_server() -> None:
    it = play({"fault": "internal_error"})
    assert it.closed == Close(1011, "Internal error encountered.")
    assert len(it.carrying("turnComplete")) == 1
    assert it.events("fault") == [{"fault": "internal_error", "how": "emitted"}]
    assert play({"fault": "internal_error"}, sessions=it.sessions).closed is None


def test_code_and_reason_may_be_others() -> None:
    assert play({"fault": "internal_error", "code": 1013, "reason": "later"}).closed == Close(1013, "later")
    assert SimulatedClient(
        BASE.changed(faults=[{"fault": "key_invalid", "code": 1008, "reason": "no"}])
    ).set_up().closed == (Close(1008, "no"))


@pytest.mark.parametrize(
    ("rule", "at"),
    [
        ({"turn": 1}, 0.1),
        ({"after": 3.0}, 3.0),
        ({"message": 3}, 10.0),
        ({"on": "activityStart"}, 10.0),
        ({"on": "activityStart", "nth": 2}, 21.0),
        ({"on": "inputTranscription", "nth": 3}, 11.0),
    ],
)
def test_a_rule_says_when(rule: dict[str, Any], at: float) -> None:
    it = play({"fault": "cut"} | rule)
    assert it.closed == Drop()
    ended = it.seen[-1].at if it.seen else 0.0
    assert max(ended, at) == pytest.approx(at, abs=4.8)
    if "after" not in rule and "turn" not in rule:
        assert it.now >= at


def test_a_rule_by_message_counts_the_client_s_messages() -> None:
    it = SimulatedClient(BASE.changed(faults=[{"fault": "cut", "message": 3, "on": "text"}])).set_up()
    for _ in range(2):
        assert it.closed is None
        it.realtime(text="hello")
    assert it.closed == Drop()


def test_times_zero_is_always_and_connections_may_be_named() -> None:
    rules = [{"fault": "cut", "turn": 1, "times": 0, "connection": [1, 3]}]
    first = play(*rules)
    others = [play(*rules, sessions=first.sessions) for _ in range(2)]
    assert [it.closed for it in (first, *others)] == [Drop(), None, Drop()]


def test_one_connection_may_be_named() -> None:
    rules = [{"fault": "cut", "connection": 2}]
    first = play(*rules)
    assert (first.closed, play(*rules, sessions=first.sessions).closed) == (None, Drop())


def test_a_habit_may_begin_later_and_end() -> None:
    it = play({"fault": "usage_missing", "turn": 2}, turns=3)
    assert ["usageMetadata" in seen.names for seen in it.carrying("turnComplete")] == [True, False, False, False]
    it = play({"fault": "usage_missing", "times": 2}, turns=3)
    assert ["usageMetadata" in seen.names for seen in it.carrying("turnComplete")] == [False, False, True, True]
    it = play({"fault": "usage_missing", "nth": 2, "times": 1}, turns=3)
    assert ["usageMetadata" in seen.names for seen in it.carrying("turnComplete")] == [True, False, True, True]
    it = play({"fault": "usage_missing", "after": 15.0}, turns=3)
    assert [(seen.at < 15) == ("usageMetadata" in seen.names) for seen in it.carrying("turnComplete")] == [True] * 4


def test_a_habit_may_be_limited_to_messages_that_carry_a_name() -> None:
    it = play({"fault": "extra_fields", "on": "goAway"})
    assert it.carrying("somethingNew") == []


def test_chance_follows_the_seed() -> None:
    def calls(seed: int) -> bool:
        it = SimulatedClient(BASE.changed(faults=[{"fault": "key_invalid", "chance": 0.5}], seed=seed)).set_up()
        return it.closed is not None

    told = [calls(seed) for seed in range(40)]
    assert told == [calls(seed) for seed in range(40)]
    assert 10 < sum(told) < 30


def test_two_thirds_of_sessions_call_the_function() -> None:
    def called(seed: int) -> bool:
        tools = [{"functionDeclarations": [{"name": "report_score"}]}]
        it = SimulatedClient(
            BASE.changed(faults=[{"fault": "call_chance"}], examiner={"questions": ["Why?"]}, seed=seed)
        )
        it.set_up(tools=tools)
        it.begin()
        it.turn()
        it.say(1)
        it.wait(20)
        return bool(it.carrying("toolCall"))

    assert 48 < sum(called(seed) for seed in range(100)) < 82


def test_faults_compose() -> None:
    it = play({"fault": "usage_twice"}, {"fault": "usage_no_details"}, {"fault": "late_interrupted"})
    assert len(it.carrying("usageMetadata")) == 2 * len(it.carrying("turnComplete"))
    assert all("promptTokensDetails" not in seen.message["usageMetadata"] for seen in it.carrying("usageMetadata"))
    assert len(it.carrying("interrupted")) == len(it.carrying("turnComplete"))


def test_a_mute_session_is_two_faults() -> None:
    it = play({"fault": "spurious_interrupted"}, {"fault": "mute", "turn": 2})
    assert len(it.carrying("interrupted")) == 1
    assert {seen.message["serverContent"].get("turnComplete") for seen in it.carrying("audio")} == {None}
    assert len(it.carrying("turnComplete")) == 1


def test_slow_replies_take_their_time() -> None:
    it = play({"fault": "slow_reply", "seconds": 5.0}, turns=0)
    assert it.carrying("audio")[0].at == 5.0


def test_late_text_comes_late() -> None:
    it = play({"fault": "transcription_late"}, turns=1)
    assert it.carrying("inputTranscription")[0].at == pytest.approx(11 + 4)


def test_a_flushed_window_is_transcribed_late() -> None:
    plan = {"heard": ["one two three four five six"], "words_per_second": 2.0, "latency": 0.5}
    it = SimulatedClient(BASE.changed(faults=[{"fault": "transcription_restart"}], examiner=plan)).set_up(**BOTH)
    it.begin()
    it.turn()
    it.wait(10 - it.now)
    it.say(1.5)
    it.say(1.5)
    it.wait(10)
    told = it.carrying("inputTranscription")
    assert it.text("inputTranscription") == "one two three four five six"
    # A word is known a tenth of a second before the next half second of its window; the flush is at 11.5 s.
    assert [seen.at for seen in told] == pytest.approx([10.4, 10.9, 11.4, 15.9, 16.4, 16.9], abs=0.11)


def test_text_stalls_in_a_long_window() -> None:
    plan = {"heard": ["word " * 100], "words_per_second": 2.0}
    it = play({"fault": "transcription_stall", "seconds": 5.0}, turns=0, examiner=plan)
    it.say(20)
    assert len(it.text("inputTranscription").split()) == 10


def test_a_call_may_come_in_the_middle_of_speech() -> None:
    it = SimulatedClient(BASE.changed(faults=[{"fault": "call_in_speech"}], examiner={"questions": ["Why?"]}))
    it.set_up(tools=[{"functionDeclarations": [{"name": "report_score"}]}])
    it.begin()
    it.turn()
    it.say(1)
    asked = it.now
    call = it.until("toolCall").at
    it.wait(10)
    spoken = [seen.at for seen in it.carrying("audio") if seen.at >= asked]
    assert spoken[0] <= call < spoken[-1]


def test_handles_may_expire_soon() -> None:
    it = play({"fault": "handle_expires"})
    it.leave()
    late = SimulatedClient(it.scenario, sessions=it.sessions, now=it.now + 6)
    late.set_up(sessionResumption={"handle": it.handle()})
    assert late.closed == Close(1007, "Invalid session handle")


def test_pongs_are_held_back_by_a_changed_scenario() -> None:
    it = SimulatedClient(BASE.changed(faults=[{"fault": "long_pongs", "seconds": 9.0}]))
    assert it.conversation.wire.pong_delay == 9.0


def test_a_notice_may_have_another_length() -> None:
    it = play({"fault": "go_away_at_once", "seconds": 10.0}, turns=0)
    assert it.carrying("goAway")[0].message == {"goAway": {"timeLeft": "10s"}}
    assert it.carrying("goAway")[0].at == 1.0


HABITS = [name for name, fault in FAULTS.items() if isinstance(fault.effect, Change)]


@pytest.mark.parametrize("name", HABITS)
@pytest.mark.parametrize(
    "message", [{"voiceActivity": {"type": "ACTIVITY_START"}}, {"serverContent": {"groundingMetadata": {}}}]
)
def test_a_habit_leaves_other_messages_as_they_are(name: str, message: dict[str, Any]) -> None:
    effect = FAULTS[name].effect
    assert isinstance(effect, Change)
    outputs = list(effect.rewrite(message))
    if name == "mute" and "serverContent" in message:
        assert outputs == []
    elif name == "mixed_frames":
        assert len(outputs) == 1
    else:
        assert [
            output.message["voiceActivity" if "voiceActivity" in message else "serverContent"] for output in outputs
        ] == ([message.get("voiceActivity", message.get("serverContent"))])


@pytest.mark.parametrize("name", ["usage_short_details", "usage_tiny_audio", "usage_no_details", "usage_total_only"])
def test_usage_without_details_is_bent_without_breaking(name: str) -> None:
    effect = FAULTS[name].effect
    assert isinstance(effect, Change)
    (output,) = effect.rewrite({"usageMetadata": {"totalTokenCount": 5}})
    assert output == Send({"usageMetadata": {"totalTokenCount": 5}})


def test_a_call_without_ids_is_cancelled_by_none() -> None:
    call = {"toolCall": {"functionCalls": [{"name": "x"}]}}
    assert list(cancelled_call(call)) == [Send(call)]


@pytest.mark.parametrize("name", ["bare_mime", "url_safe"])
def test_a_habit_of_audio_leaves_words_as_they_are(name: str) -> None:
    effect = FAULTS[name].effect
    assert isinstance(effect, Change)
    words = {"serverContent": {"modelTurn": {"parts": [{"text": "a-b"}]}}}
    assert list(effect.rewrite(words)) == [Send(words)]
