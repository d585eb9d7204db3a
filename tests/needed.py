"""Programs of the machine that some tests need: where one is missing they are left out, loudly. Never downloaded.

`pytest_configure` registers this module's hooks once, from whichever conftest imports it first; tests/conftest.py must
be one of them, because the process that prints the summary of a parallel run collects nothing itself.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import Any

import pytest

LEFT_OUT = pytest.StashKey[dict[str, list[str]]]()  # marker -> names of tests


@dataclass(frozen=True)
class Program:
    """With the variable `required` set to 1, the tests run all the same, and fail by calling `path`."""

    title: str
    names: tuple[str | None, ...]
    required: str
    heading: str
    left_out: str
    install: str

    def find(self) -> str | None:
        """Path of the first known name; None where there is none."""
        return next(filter(None, map(shutil.which, filter(None, self.names))), None)

    def path(self) -> str:
        """The same; fails, naming the one command that installs it, where there is none."""
        found = self.find()
        if found is None:
            pytest.fail(f"{self.title} tidak ditemukan. Pasang dengan: {self.install}", pytrace=False)
        return found


# marker -> what its tests need
PROGRAMS = {
    "journey": Program(
        "Peramban Chromium",
        (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"),
        "REQUIRE_BROWSER",
        "PERJALANAN DI PERAMBAN TIDAK DIUJI",
        "perjalanan tidak dijalankan karena tidak ada Chromium",
        "sudo apt-get install chromium",
    ),
    "proxy": Program(
        "Caddy",
        ("caddy",),
        "REQUIRE_CADDY",
        "PROXY TIDAK DIUJI",
        "ujian proxy tidak dijalankan karena tidak ada Caddy",
        "sudo apt-get install --no-install-recommends caddy",
    ),
}


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.has_plugin(Hooks.NAME):
        config.stash[LEFT_OUT] = {}
        config.pluginmanager.register(Hooks(), Hooks.NAME)


class Hooks:
    NAME = "tests-need-programs"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        for marker, program in PROGRAMS.items():
            if program.find() or os.environ.get(program.required) == "1":
                continue
            left = [item for item in items if item.get_closest_marker(marker)]
            items[:] = [item for item in items if item not in left]
            config.hook.pytest_deselected(items=left)
            config.stash[LEFT_OUT].setdefault(marker, []).extend(item.name for item in left)
        if hasattr(config, "workeroutput"):
            config.workeroutput["left_out"] = config.stash[LEFT_OUT]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Every worker collects the same; one list is enough."""
        node.config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left_out") or node.config.stash[LEFT_OUT]

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        for marker, left in config.stash[LEFT_OUT].items():
            if not left:
                continue
            program = PROGRAMS[marker]
            terminalreporter.write_sep("!", program.heading, red=True, bold=True)
            terminalreporter.write_line(f"{len(left)} {program.left_out}: {', '.join(sorted(left))}.", red=True)
            again = f"Pasang dengan satu perintah, lalu uji lagi: {program.install}"
            terminalreporter.write_line(again, red=True, bold=True)
