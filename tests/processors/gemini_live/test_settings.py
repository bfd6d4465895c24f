"""The YAML's settings arrive in the setup the service sees."""

from pathlib import Path

import pytest
from google.genai import types
from pydantic import SecretStr, ValidationError

from processors.gemini_live.settings import GeminiLiveSettings, client, connect_config

TOOL = {
    "name": "report",
    "description": "Report.",
    "parameters": {
        "type": "object",
        "properties": {"scores": {"type": "array", "items": {"type": "number"}}, "type": {"type": "string"}},
        "required": ["scores"],
    },
}


def test_the_languages_of_the_transcription_are_sent_only_where_they_are_set() -> None:
    plain = connect_config(GeminiLiveSettings(), [], None).input_audio_transcription
    assert plain == types.AudioTranscriptionConfig(), "a model that does not know the field ends the session"
    told = connect_config(GeminiLiveSettings(transcription_languages=("en-GB", "de")), [], None)
    assert told.input_audio_transcription == types.AudioTranscriptionConfig(language_codes=["en-GB", "de"])


def test_the_reports_configuration_setting_by_setting(tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.md"
    prompt.write_text("You are an examiner.", encoding="utf-8")
    settings = GeminiLiveSettings(prompt=prompt, temperature=0, voice="Aoede", thinking_budget=1024, compression=False)
    config = connect_config(settings, [TOOL], "handle")
    assert config.response_modalities == [types.Modality.AUDIO]
    assert config.temperature == 0
    assert config.speech_config.voice_config.prebuilt_voice_config.voice_name == "Aoede"  # pyright: ignore
    assert config.system_instruction == "You are an examiner."
    assert config.thinking_config == types.ThinkingConfig(thinking_budget=1024)
    assert config.realtime_input_config.automatic_activity_detection.disabled is True  # pyright: ignore
    assert config.input_audio_transcription is not None and config.output_audio_transcription is not None
    assert config.session_resumption == types.SessionResumptionConfig(handle="handle")
    assert config.context_window_compression is None
    [declared] = config.tools[0].function_declarations  # pyright: ignore
    assert declared.parameters.properties["type"].type is types.Type.STRING  # a property called type is no type
    assert declared.parameters.properties["scores"].items.type is types.Type.NUMBER


def test_what_is_left_out_is_not_sent() -> None:
    off = GeminiLiveSettings(transcribe_caller=False, transcribe_examiner=False, resumption=False)
    config = connect_config(off, [], None)
    assert config.tools is None and config.session_resumption is None and config.thinking_config is None
    assert config.input_audio_transcription is None and config.output_audio_transcription is None
    assert config.context_window_compression is not None


def test_a_level_of_thought() -> None:
    config = connect_config(GeminiLiveSettings(thinking_level="low"), [], None)
    assert config.thinking_config == types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)


def test_what_is_known_of_the_model_can_be_overruled() -> None:
    old = GeminiLiveSettings(model="gemini-2.5-flash-native-audio-preview-12-2025")
    assert (old.model_facts.text, old.model_facts.history, old.policy.connection.lifetime) == (
        "content",
        "content",
        590,
    )
    new = GeminiLiveSettings(model="gemini-3.8-live", text_as="content", lifetime=300, resumption=False)
    assert (new.model_facts.text, new.policy.connection.lifetime, new.policy.connection.resume) == (
        "content",
        300,
        False,
    )


def test_initial_history_is_announced_only_where_it_is_wanted_and_follows() -> None:
    new, old = GeminiLiveSettings(model="gemini-3.8-live"), GeminiLiveSettings(model="gemini-2.5-flash-native-audio")
    assert connect_config(new, [], None, seeded=True).history_config is not None
    assert connect_config(new, [], None).history_config is None
    assert connect_config(old, [], None, seeded=True).history_config is None


def test_without_key_or_address_there_is_no_client() -> None:
    with pytest.raises(ValueError, match="set GEMINI_API_KEY, or use the emulator"):
        client(GeminiLiveSettings())
    assert client(GeminiLiveSettings(key=SecretStr("k"))) is not None


def test_a_plain_text_address_is_refused_since_the_sdk_always_dials_tls() -> None:
    with pytest.raises(ValidationError):
        GeminiLiveSettings(base_url="http://localhost:1")


def test_former_keys_and_values_are_answered_with_their_new_names() -> None:
    old = {"silence": 40, "check_memory": 1, "tell_unheard": True, "gate": "off", "stale_handle": "fresh"}
    with pytest.raises(ValidationError) as caught:
        GeminiLiveSettings.model_validate(old)
    assert [error["msg"] for error in caught.value.errors()] == [
        "silence is now called idle_timeout",
        "check_memory is now called context_check",
        "tell_unheard is now called report_suppressed",
        "gate is now called reply_gate",
        '"fresh" is now called "new_session"',
    ]
