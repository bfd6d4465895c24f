from hypothesis import given
from hypothesis import strategies as st

from gemini_live_emulator.scenario import Usage
from gemini_live_emulator.session.usage import Bill, Context, Entry, usage_metadata

RULES = Usage(preamble=400)


def test_a_second_of_audio_is_25_tokens_and_four_letters_are_one() -> None:
    context = Context(RULES)
    assert context.audio_tokens(10) == 250
    assert context.text_tokens("Hello there") == 3


def test_the_prompt_is_the_whole_conversation_by_modality() -> None:
    context = Context(RULES).with_system("x" * 40).add(Entry("user", "AUDIO", 250), Entry("model", "TEXT", 5))
    assert context.prompt() == {"TEXT": 415, "AUDIO": 250}
    assert context.tokens() == 665


def test_compression_cuts_where_a_user_turn_starts_and_keeps_the_system() -> None:
    turns = [e for _ in range(4) for e in (Entry("user", "AUDIO", 100, opens=True), Entry("model", "AUDIO", 50))]
    context = Context(RULES).with_system("x" * 40).add(*turns).compressed(750)
    assert context.tokens() == 410 + 2 * 150
    assert context.entries[0].opens


def test_compression_leaves_the_last_turn_even_if_it_is_too_big() -> None:
    context = Context(RULES).add(Entry("user", "AUDIO", 5000, opens=True)).compressed(1000)
    assert context.tokens() == 5400


@given(
    st.dictionaries(st.sampled_from(["TEXT", "AUDIO"]), st.integers(0, 10**6)),
    st.dictionaries(st.sampled_from(["TEXT", "AUDIO"]), st.integers(0, 10**6)),
    st.integers(0, 5000),
)
def test_details_add_up_to_their_totals(prompt: dict[str, int], response: dict[str, int], thoughts: int) -> None:
    usage = usage_metadata(Bill(prompt, response, thoughts), RULES, details=True, vertex=False)
    assert sum(d["tokenCount"] for d in usage["promptTokensDetails"]) == usage["promptTokenCount"]
    assert sum(d["tokenCount"] for d in usage["responseTokensDetails"]) == usage["responseTokenCount"]
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["responseTokenCount"] + thoughts


def test_the_total_may_leave_thoughts_out_as_3_8_was_seen_to() -> None:
    usage = usage_metadata(Bill({"TEXT": 522}, {"AUDIO": 42}, 136), Usage(total_has_thoughts=False), False, False)
    assert usage == {
        "promptTokenCount": 522, "responseTokenCount": 42, "totalTokenCount": 564, "thoughtsTokenCount": 136,
    }  # fmt: skip


def test_vertex_names_the_answer_candidates() -> None:
    usage = usage_metadata(Bill({"TEXT": 1}, {"AUDIO": 2}, 0), RULES, details=True, vertex=True)
    assert usage["candidatesTokenCount"] == 2
    assert "responseTokenCount" not in usage
    assert usage["candidatesTokensDetails"] == [{"modality": "AUDIO", "tokenCount": 2}]
