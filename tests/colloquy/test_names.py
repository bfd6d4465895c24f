"""What users import, and the stage that its docstring shows."""

import subprocess
import sys
import textwrap

import pytest
from pipecat.frames.frames import InputAudioRawFrame

import colloquy
from colloquy import events
from support.frames import running
from support.session import FakeSession


async def test_the_stage_of_the_docstring_works() -> None:
    assert colloquy.__doc__ is not None
    example = colloquy.__doc__[colloquy.__doc__.index("    from") : colloquy.__doc__.index("These names")]
    names: dict[str, type] = {}
    exec(textwrap.dedent(example), names)
    session, quiet, loud = FakeSession(), bytes(640), b"\x00\x40" * 320
    async with running(names["Faint"](names["FaintSettings"](), session)) as ends:
        await ends.push(*(InputAudioRawFrame(audio, 16_000, 1) for audio in (quiet, loud, quiet)))
    assert [seen.where for seen in session.of(events.ProblemSeen)] == ["faint", "faint"]
    assert len(ends.got(InputAudioRawFrame)) == 3


def test_every_name_is_there() -> None:
    assert all(hasattr(colloquy, name) for name in colloquy.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Stages'"):
        _ = colloquy.Stages


@pytest.mark.real_time
def test_a_stage_of_somebody_else_loads_no_model_and_no_transport() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, colloquy; print(*sys.modules)"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"onnxruntime", "aiortc", "google.genai", "sqlalchemy", "processors.manual_vad"}.isdisjoint(loaded)
