"""The site's own settings with the baselines beside it: one server, one run, so a ratio compares like with like."""

from __future__ import annotations

from bawaslu_data.settings import *  # noqa: F403

ROOT_URLCONF = "bawaslu_data.bench.urls"
