"""The run itself, in a process whose settings name the database that is measured on (started by `manage.py bench`)."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

import django

parser = argparse.ArgumentParser(prog="manage.py bench")
parser.add_argument("what", nargs="+")
parser.add_argument("--stations", type=int, required=True)
parser.add_argument("--seconds", type=int, required=True)
parser.add_argument("--json", type=Path, required=True)
SLACK = 500


def main() -> None:
    given = parser.parse_args()
    django.setup()
    logging.disable(logging.WARNING)
    from bawaslu_data.bench import world
    from bawaslu_data.bench.figures import show
    from bawaslu_data.bench.measures import MEASURES, TREE, freshness, intake, visit

    figures = []
    if given.what == ["tree"]:
        figures = list(TREE(given.stations))
        show(figures, title=f"tree, {given.stations} TPS")
    else:
        spare = {"intake": intake.SPARE, "visit": visit.SPARE, "freshness": freshness.PER_SECOND * given.seconds}
        country = world.prepare(given.stations, sum(spare.values()) + SLACK)
        for name in given.what:
            some = list(MEASURES[name](country, given.seconds))
            show(some, title=f"{name}, {given.stations} TPS")
            figures += some
    given.json.write_text(json.dumps([figure.as_json() for figure in figures], ensure_ascii=False))


if __name__ == "__main__":
    main()
