"""Outlines of regencies and districts as SVG paths, drawn once per process; display only (data/SOURCES.md)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent / "data" / "kaltim.topojson"
SIDE = 1000  # the longer side of a map, in its own units; whole units keep the page small
PROVINCE, REGENCY = 2, 4  # digits of a code

Point = tuple[int, int]
Ring = list[Point]


@dataclass(frozen=True)
class Outlines:
    """A map: its size in SVG units and the path of every area, by code without dots."""

    width: int
    height: int
    paths: dict[str, str]


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

    return Outlines(
        width=round((east - west) * factor),
        height=round((north - south) * factor),
        paths={code: "".join(_path([place(point) for point in ring]) for ring in some) for code, some in rings.items()},
    )


def _path(ring: Ring) -> str:
    """Relative steps, without those that became nothing by rounding; "" for a speck of fewer than three points."""
    steps = [(x - a, y - b) for (a, b), (x, y) in pairwise(ring) if (x, y) != (a, b)]
    if len(steps) < 3:
        return ""
    return f"M{ring[0][0]} {ring[0][1]}l" + " ".join(f"{dx} {dy}" for dx, dy in steps[:-1]) + "z"
