"""The colours of the page: text and controls stand out, in light and in dark."""

import re

import pytest

from pipeline.http.app import WEB


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_controls_stand_out_from_what_is_behind_them(scheme: str) -> None:
    css = (WEB / "style.css").read_text()
    palettes = [
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", css, re.S)
    ]
    colours = palettes[0] if scheme == "light" else {**palettes[0], **palettes[1]}
    text = [(ink, behind) for ink in ("ink", "soft") for behind in ("bg", "surface", "tint")]
    text += [("on-accent", "accent"), ("on-warn", "warn"), ("on-bad", "bad")]
    shapes = [("control", "bg"), ("control", "surface"), ("accent", "line"), ("good", "surface"), ("accent", "bg")]
    for pairs, least in ((text, 4.5), (shapes, 3.0)):  # WCAG 2.2, 1.4.3 and 1.4.11
        for front, behind in pairs:
            light, dark = sorted((luminance(colours[front]), luminance(colours[behind])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= least, f"{front} on {behind}"
