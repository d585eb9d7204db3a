"""Outlines of regencies and districts as SVG paths, drawn once per process; display only (data/SOURCES.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "data" / "kaltim.topojson"
SIDE = 1000  # the longer side of a map, in its own units; whole units keep the page small
PROVINCE, REGENCY = 2, 4  # digits of a code
SMALL = 0.006  # of the map: an area too small to hold its name has it beside it, where the sea is
# What people of Kaltim call their regencies; full names would run into each other. Districts are not named on maps.
NAMES = {
    "6401": "Paser",
    "6402": "Kukar",
    "6403": "Berau",
    "6407": "Kubar",
    "6408": "Kutim",
    "6409": "PPU",
    "6411": "Mahulu",
    "6471": "Balikpapan",
    "6472": "Samarinda",
    "6474": "Bontang",
}

Point = tuple[int, int]
Ring = list[Point]


@dataclass(frozen=True)
class Label:
    """A name on the map, centred on its area or beginning `beside` it."""

    name: str
    x: int
    y: int
    beside: bool


@dataclass(frozen=True)
class Outlines:
    """A map: its size in SVG units and the path of every area, by code without dots."""

    width: int
    height: int
    paths: dict[str, str]
    labels: list[Label]


@cache
def outlines(parent: str) -> Outlines | None:
    """The areas directly below a province or a regency; None where the file holds none (and below districts)."""
    layer = {PROVINCE: "kabkota", REGENCY: "kecamatan"}.get(len(parent))
    topology = json.loads(SOURCE.read_bytes())
    shapes = {}
    for shape in topology["objects"][layer]["geometries"] if layer else ():
        code = shape["properties"]["code"].replace(".", "")
        if code.startswith(parent):
            shapes[code] = shape
    if not shapes:
        return None
    arcs = [list(_absolute(arc)) for arc in topology["arcs"]]
    return _drawn({code: list(_rings(shape, arcs)) for code, shape in shapes.items()}, topology["transform"]["scale"])


def _absolute(arc: list[list[int]]) -> Iterable[Point]:
    """TopoJSON keeps each point as its distance from the one before."""
    return accumulate(((x, y) for x, y in arc), lambda a, b: (a[0] + b[0], a[1] + b[1]))


def _rings(shape: dict[str, Any], arcs: list[Ring]) -> Iterable[Ring]:
    polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
    for polygon in polygons:
        for numbers in polygon:
            ring: Ring = []
            for number in numbers:  # ~n is arc n walked backwards; its first point repeats the last one drawn
                arc = arcs[number] if number >= 0 else arcs[~number][::-1]
                ring += arc[1:] if ring else arc
            yield ring


def _drawn(rings: dict[str, list[Ring]], scale: list[float]) -> Outlines:
    """Scales to SIDE, north up. On the equator a degree of longitude is as long as one of latitude."""
    points = [point for some in rings.values() for ring in some for point in ring]
    west, east = min(x for x, _y in points) * scale[0], max(x for x, _y in points) * scale[0]
    south, north = min(y for _x, y in points) * scale[1], max(y for _x, y in points) * scale[1]
    factor = SIDE / max(east - west, north - south)

    def place(point: Point) -> Point:
        return round((point[0] * scale[0] - west) * factor), round((north - point[1] * scale[1]) * factor)

    placed = {code: [[place(point) for point in ring] for ring in some] for code, some in rings.items()}
    return Outlines(
        width=round((east - west) * factor),
        height=round((north - south) * factor),
        paths={code: "".join(map(_path, some)) for code, some in placed.items()},
        labels=[_label(NAMES[code], max(some, key=len)) for code, some in placed.items() if code in NAMES],
    )


def _label(name: str, ring: Ring) -> Label:
    """At the centre of gravity, or to the right of an area too small for it."""
    twice, x, y = 0, 0, 0
    for (ax, ay), (bx, by) in pairwise(ring):
        cross = ax * by - bx * ay
        twice, x, y = twice + cross, x + (ax + bx) * cross, y + (ay + by) * cross
    x, y = round(x / (3 * twice)), round(y / (3 * twice))
    beside = abs(twice) / 2 < SMALL * SIDE**2
    return Label(name, max(px for px, _py in ring) + 8 if beside else x, y, beside)


def _path(ring: Ring) -> str:
    """Relative steps, without those that became nothing by rounding; "" for a speck of fewer than three points."""
    steps = [(x - a, y - b) for (a, b), (x, y) in pairwise(ring) if (x, y) != (a, b)]
    if len(steps) < 3:
        return ""
    return f"M{ring[0][0]} {ring[0][1]}l" + " ".join(f"{dx} {dy}" for dx, dy in steps[:-1]) + "z"
