"""The stylesheet: readable in both schemes, small, in layers."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

CSS = (Path(__file__).resolve().parents[2] / "static" / "css" / "app.css").read_text()
_TOKENS = CSS[CSS.index("@layer tokens {") : CSS.index("@layer base {")]
_LIGHT, _DARK = _TOKENS.split("@media (prefers-color-scheme: dark)")


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))


SCHEMES = {"light": _colours(_LIGHT), "dark": {**_colours(_LIGHT), **_colours(_DARK)}}
AAA, AA, GRAPHIC = 7.0, 4.5, 3.0
PAIRS = [
    *((text, ground, AAA) for text in ("ink", "soft") for ground in ("paper", "panel")),
    *((text, ground, AA) for text in ("problem", "done", "provisional") for ground in ("paper", "panel")),
    *(("on-brand", ground, AA) for ground in ("brand", "brand-deep")),
    *((mark, "paper", GRAPHIC) for mark in ("edge", "amber", "hatch")),
    ("edge", "panel", GRAPHIC),
]


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "ground", "least"), PAIRS)
def test_contrast(scheme: str, text: str, ground: str, least: float) -> None:
    colours = SCHEMES[scheme]
    assert contrast(colours[text], colours[ground]) >= least


def test_contrast_itself() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_dark_overrides_every_colour_of_light() -> None:
    assert set(_colours(_DARK)) == set(_colours(_LIGHT))


def test_what_a_phone_downloads_stays_small() -> None:
    assert len(gzip.compress(CSS.encode(), mtime=0)) <= 5 * 1024 + 512
    assert len(CSS.encode()) <= 19 * 1024


def test_every_rule_is_in_a_layer() -> None:
    outside = re.sub(r"@layer [\w, ]+;|/\*.*?\*/|@font-face \{.*?\n\}", "", CSS, flags=re.DOTALL)
    assert re.sub(r"@layer \w+ \{.*?\n\}", "", outside, flags=re.DOTALL).strip() == ""


def test_colours_are_named_once() -> None:
    rules = CSS[CSS.index("@layer base {") : CSS.index("@layer print {")]
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", rules)) <= {"#fff"}  # the ground of a QR code must be white


def test_every_token_used_exists() -> None:
    assert set(re.findall(r"var\(--([\w-]+)", CSS)) <= set(re.findall(r"--([\w-]+):", CSS))
