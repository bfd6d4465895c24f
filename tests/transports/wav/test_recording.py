"""Recordings as callers have them: clicks, offsets, odd channels, broken bytes, strange heads."""

import struct
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from support.clips import ANSWERS, RATE
from transports.wav import decoding
from transports.wav.listener import WavListener, WavSettings
from transports.wav.recording import BadRecording, cut, read

PAUSE = np.zeros(3 * RATE, np.int16)
FIRST, SECOND = (np.frombuffer(clip.pcm, np.int16)[: 5 * RATE] for clip in ANSWERS[:2])
TWO_ANSWERS = np.concatenate((PAUSE, FIRST, PAUSE, SECOND, PAUSE))


def wav(path: Path, samples: np.ndarray, rate: int = RATE, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(samples.dtype.itemsize)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def encoded(path: Path, codec: str, samples: np.ndarray, rate: int = RATE, form: str | None = None) -> Path:
    """A file that FFmpeg writes of mono samples."""
    with av.open(str(path), "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, AudioStream)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        converted = av.AudioResampler(
            format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size or 1024
        )
        for part in [*converted.resample(frame), *converted.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def extensible(samples: bytes, container: int, valid: int, guid: int = 1, block: int | None = None) -> bytes:
    """A WAV of one channel with WAVE_FORMAT_EXTENSIBLE."""
    width = block or container // 8
    form = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, RATE, RATE * width, width, container, 22, valid, 4, guid)
    form += bytes.fromhex("000000001000800000aa00389b71")
    body = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def likeness(audio: bytes, expected: np.ndarray) -> float:
    """The correlation of two recordings (-1 to 1), sample by sample."""
    one = np.frombuffer(audio, np.int16).astype(float)
    length = min(len(one), len(expected))
    assert length > 0.9 * len(expected)
    return float(np.corrcoef(one[:length], expected[:length].astype(float))[0, 1])


def clicking(samples: np.ndarray) -> np.ndarray:
    clicked = samples.copy()
    clicked[RATE : RATE + RATE // 40] = 32000  # 25 ms, in the pause before the first answer
    return clicked


def click_between(samples: np.ndarray) -> np.ndarray:
    clicked = samples.copy()
    clicked[8 * RATE + 24000 : 8 * RATE + 24400] = -32000
    return clicked


def offset(samples: np.ndarray) -> np.ndarray:
    return (samples.astype(int) + 2621).clip(-32768, 32767).astype(np.int16)


def humming(samples: np.ndarray) -> np.ndarray:
    hum = 1500 * np.sin(2 * np.pi * 50 * np.arange(len(samples)) / RATE)
    return (samples + hum).clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize("spoil", [np.copy, clicking, click_between, offset, humming])
def test_two_answers_are_two_whatever_is_between_them(spoil: Callable[[np.ndarray], np.ndarray], tmp_path: Path):
    audio, rate = read(wav(tmp_path / "call.wav", spoil(TWO_ANSWERS)))
    answers = cut(audio, rate, 2.0)
    assert [round(len(answer) / 2 / rate) for answer in answers] == [5, 5]


def test_an_offset_is_not_played_to_the_examiner(tmp_path: Path):
    audio, _ = read(wav(tmp_path / "call.wav", offset(TWO_ANSWERS)))
    assert abs(np.frombuffer(audio, np.int16).mean()) < 5
    assert likeness(audio, TWO_ANSWERS) > 0.99


def test_a_recording_without_offset_is_played_as_it_is(tmp_path: Path):
    assert read(wav(tmp_path / "call.wav", FIRST)) == (FIRST.tobytes(), RATE)


def test_a_test_signal_is_cut_where_it_is_quiet():
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.int16)
    assert len(cut(np.concatenate((PAUSE, tone, PAUSE, tone)).tobytes(), RATE, 2.0)) == 2


def test_stereo_whose_channels_cancel_each_other_is_heard(tmp_path: Path):
    audio, _ = read(wav(tmp_path / "call.wav", np.stack((FIRST, -FIRST), axis=1), channels=2))
    assert abs(likeness(audio, FIRST)) > 0.99


@pytest.mark.parametrize("channels", [1, 2, 3, 5, 6, 7, 8])
@pytest.mark.parametrize("silent_but_one", [False, True])
def test_a_voice_on_any_number_of_channels_is_heard(channels: int, silent_but_one: bool, tmp_path: Path):
    samples = np.zeros((len(FIRST), channels), np.int16)
    samples[:, 0 if silent_but_one else slice(None)] = FIRST[:, None] if not silent_but_one else FIRST
    audio, _ = read(wav(tmp_path / "call.wav", samples, channels=channels))
    assert likeness(audio, FIRST) > 0.99


def test_the_rate_of_an_mp3_may_change(tmp_path: Path):
    first = encoded(tmp_path / "one.mp3", "libmp3lame", FIRST)
    second = encoded(tmp_path / "two.mp3", "libmp3lame", np.repeat(SECOND, 2), rate=2 * RATE)
    both = tmp_path / "both.mp3"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    audio, rate = read(both)
    assert rate == RATE
    assert len(audio) / 2 / rate == pytest.approx(10, abs=0.4)


CODECS = {
    "call.mp3": ("libmp3lame", None),
    "call.flac": ("flac", None),
    "call.ogg": ("libopus", None),
    "call.m4a": ("aac", None),
    "call.wav": ("pcm_s16le", None),
}


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("what", [b"\x00", b"\xff", b"\xa5"])
def test_broken_bytes_cost_what_they_held(name: str, what: bytes, tmp_path: Path):
    path = encoded(tmp_path / name, CODECS[name][0], np.concatenate((FIRST, SECOND)))
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 600] = 600 * what
    path.write_bytes(whole)
    audio, rate = read(path)
    assert 8.5 < len(audio) / 2 / rate < 10.5


@pytest.mark.parametrize("name", CODECS)
def test_a_file_that_was_cut_off_is_played_as_far_as_it_goes(name: str, tmp_path: Path):
    path = encoded(tmp_path / name, CODECS[name][0], np.concatenate((FIRST, SECOND)))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])
    if name == "call.m4a":  # its index stands at the end
        with pytest.raises(BadRecording):
            read(path)
        return
    audio, rate = read(path)
    assert 6 < len(audio) / 2 / rate < 9


@pytest.mark.parametrize("name", ["call.mp3", "call.flac", "call.ogg"])
def test_a_recording_that_is_mostly_broken_is_refused_in_a_sentence(name: str, tmp_path: Path):
    path = encoded(tmp_path / name, CODECS[name][0], np.concatenate((FIRST, SECOND)))
    whole = bytearray(path.read_bytes())
    noise = np.random.default_rng(1).integers(0, 256, len(whole), np.uint8).tobytes()
    whole[len(whole) // 8 :] = noise[len(whole) // 8 :]
    path.write_bytes(whole)
    with pytest.raises(BadRecording, match=r"is broken: \d+% of it cannot be decoded"):
        read(path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(extensible((FIRST.astype("<i4") << 16).tobytes(), 32, 24), id="24 bits used of 32"),
        pytest.param(
            extensible((FIRST.astype("<i4") << 16).tobytes(), 24, 24, block=4), id="24 bits in blocks of 4 bytes"
        ),
        pytest.param(extensible((FIRST.astype("<i4") << 16).tobytes(), 32, 32), id="32 bits"),
        pytest.param(extensible((FIRST / 32768).astype("<f4").tobytes(), 32, 32, guid=3), id="float"),
        pytest.param(extensible((FIRST / 32768).astype("<f8").tobytes(), 64, 64, guid=3), id="double"),
        pytest.param(extensible((FIRST.astype("<i4") << 8 | 1).tobytes(), 32, 24), id="the lower 24 bits of 32"),
        pytest.param(extensible(FIRST.tobytes(), 16, 12), id="12 bits used of 16"),
        pytest.param(
            extensible((FIRST.astype("<i4") << 8).view(np.uint8).reshape(-1, 4)[:, :3].tobytes(), 24, 24), id="24 bits"
        ),
        pytest.param(
            extensible((FIRST.astype("<i4") << 8).view(np.uint8).reshape(-1, 4)[:, :3].tobytes(), 24, 20), id="20 of 24"
        ),
    ],
)
def test_samples_of_any_size_are_read_as_what_they_are(content: bytes, tmp_path: Path):
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    audio, _ = read(path)
    assert likeness(audio, FIRST) > 0.99
    assert np.frombuffer(audio, np.int16).std() == pytest.approx(FIRST.std(), rel=0.02)


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_alaw", "pcm_mulaw", "pcm_s24le", "pcm_f32le", "adpcm_ima_wav"])
def test_wav_of_any_codec_is_heard(codec: str, tmp_path: Path):
    audio, _ = read(encoded(tmp_path / "call.wav", codec, FIRST))
    assert likeness(audio, FIRST) > 0.95


def tagged(length: int) -> bytes:
    return b"ID3\x03\x00\x00" + bytes((length >> shift) & 0x7F for shift in (21, 14, 7, 0)) + bytes(length)


@pytest.mark.parametrize("length", [0, 100, 5000, 200_000])
@pytest.mark.parametrize("name", ["call.wav", "call.mp3", "call.flac"])
def test_a_tag_before_the_recording_is_passed_over(name: str, length: int, tmp_path: Path):
    path = encoded(tmp_path / name, CODECS[name][0], FIRST)
    path.write_bytes(tagged(length) + path.read_bytes())
    audio, rate = read(path)
    assert len(audio) / 2 / rate == pytest.approx(5, abs=0.2)


@pytest.mark.parametrize("field", [4, 40])
@pytest.mark.parametrize("length", [0, 100, 0xFFFFFFFF])
def test_a_wrong_length_in_the_head_loses_nothing(field: int, length: int, tmp_path: Path):
    path = wav(tmp_path / "call.wav", FIRST)
    whole = bytearray(path.read_bytes())
    struct.pack_into("<I", whole, field, length)
    path.write_bytes(whole)
    audio, _ = read(path)
    assert len(audio) == FIRST.nbytes


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"These are notes, not a recording.\n" * 100,
        tagged(100),
        bytes(5000),
        extensible(b"", 32, 24)[:30],
    ],
)
def test_what_is_no_recording_is_refused_in_a_sentence(content: bytes, tmp_path: Path):
    path = tmp_path / "call.wav"
    path.write_bytes(content)
    with pytest.raises(BadRecording, match=r"call\.wav.*\.$"):
        read(path)


def test_a_recording_without_samples_is_empty(tmp_path: Path):
    with pytest.raises(BadRecording, match="is empty"):
        read(wav(tmp_path / "call.wav", np.zeros(0, np.int16)))


def test_silence_is_no_answer(tmp_path: Path):
    with pytest.raises(BadRecording, match="silent throughout"):
        WavListener(WavSettings(files=(wav(tmp_path / "call.wav", PAUSE),)), "one")


def test_a_recording_longer_than_an_hour_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(decoding, "LONGEST", 4.0)
    with pytest.raises(BadRecording, match="longer than"):
        read(wav(tmp_path / "call.wav", FIRST))


@pytest.mark.parametrize("rate", [1, 100, 384_000])
def test_a_rate_that_nothing_records_at_is_no_harm(rate: int, tmp_path: Path):
    audio, at = read(wav(tmp_path / "call.wav", FIRST[:1000], rate=rate))
    assert 8000 <= at <= 48000
    assert len(audio) / 2 / at == pytest.approx(1000 / rate, rel=0.05)
