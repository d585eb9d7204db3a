"""The system's own Chromium, and how a person uses it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.needed import PROGRAMS

if TYPE_CHECKING:  # every run loads this module, few need the driver
    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, Response

# A quiet browser: it calls nobody but the site under test.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE, DESK = {"width": 360, "height": 800}, {"width": 1280, "height": 800}
TARGET, LETTERS = 44, 16  # px: the least height of what is tapped; below 16, phones zoom in on the field
TARGETS = """least => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter(e => e.type !== "hidden" && e.checkVisibility({visibilityProperty: true}) && !e.matches(".skip"))
    .map(e => [e, (/^(radio|checkbox)$/.test(e.type) && e.closest("label") || e).getBoundingClientRect().height])
    .filter(([e, height]) => height < least)
    .map(([e, height]) => `${e.tagName} ${e.name || e.textContent.trim()}: ${height} px`)"""
SMALL = """least => [...document.querySelectorAll("input:not([type=hidden]), select, textarea")]
    .filter(e => e.checkVisibility() && parseFloat(getComputedStyle(e).fontSize) < least)
    .map(e => `${e.name}: ${getComputedStyle(e).fontSize}`)"""


def launch(playwright: Playwright) -> Browser:
    """Starts it. Fails, naming the one command that installs it, where there is none."""
    return playwright.chromium.launch(executable_path=PROGRAMS["journey"].path(), args=ARGUMENTS)


# --- a person -------------------------------------------------------------------------------------------------------


class Visitor:
    """Somebody at a screen. Every page is looked at: it fits, and the browser has nothing to complain about."""

    def __init__(self, browser: Browser, base: str, screen: Mapping[str, int], *, scripts: bool = True) -> None:
        self.base, self.width, self.touches, self.scripts = base, screen["width"], screen is PHONE, scripts
        self.context: BrowserContext = browser.new_context(
            viewport={"width": screen["width"], "height": screen["height"]},
            has_touch=self.touches,
            is_mobile=self.touches,
            java_script_enabled=scripts,
            locale="id-ID",
            timezone_id="Asia/Makassar",
        )
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda said: self._complain(said.type, said.text))
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("response", self._arrived)

    def _complain(self, kind: str, text: str) -> None:
        # A page that answers 404 or 422 is what was asked for; what pages are made of is judged in _arrived.
        if (kind == "error" and not text.startswith("Failed to load resource")) or "Content Security Policy" in text:
            self.faults.append(f"console: {text}")

    def _arrived(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self.faults.append(f"{response.status} {response.url}")

    def go(self, path: str, status: int = 200) -> None:
        response = self.page.goto(self.base + path)
        assert response is not None
        assert response.status == status, f"{path}: {response.status}"
        self.look()

    def look(self) -> None:
        """The page is no wider than the screen, and nothing failed on the way to it."""
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= self.width, f"{self.page.url} is {wide} px wide on a screen of {self.width}"
        assert not self.faults, f"{self.page.url}: {self.faults}"

    def press(self, target: Locator) -> None:
        if self.touches:
            target.tap()
        else:
            target.click()

    def follow(self, target: Locator, status: int = 200) -> None:
        """Presses what leads to another page, and looks at it."""
        with self.page.expect_navigation() as arrival:
            self.press(target)
        assert arrival.value is not None
        assert arrival.value.status == status, f"{self.page.url}: {arrival.value.status}"
        self.look()

    def decide(self, target: Locator, verb: str) -> None:
        """Presses what asks "are you sure" first, where scripts run, and says yes."""
        if not self.scripts:
            return self.follow(target)
        self.press(target)
        self.look()
        return self.follow(self.page.locator("dialog[open]").get_by_role("button", name=verb, exact=True))

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name, exact=True)

    def text(self) -> str:
        return " ".join(self.page.locator("main").inner_text().split())

    def sign_in(self, username: str, password: str) -> None:
        self.go("/masuk/")
        self.write(self.page.get_by_label("Nama pengguna"), username)
        self.write(self.page.get_by_label("Kata sandi"), password)
        self.follow(self.page.locator("main").get_by_role("button", name="Masuk"))

    def write(self, field: Locator, text: str) -> None:
        self.press(field)
        field.fill(text)

    def answer(self, answers: Mapping[str, Any]) -> None:
        """Fills in the fields of a form by name: a choice is pressed at its label, the rest is typed."""
        for name, value in answers.items():
            choice = self.page.locator(f'label:has(input[name="{name}"][value="{value}"])')
            if choice.count():
                self.press(choice)
            else:
                self.write(self.page.locator(f'[name="{name}"]'), str(value))

    def typed(self, answers: Mapping[str, Any]) -> dict[str, str]:
        """What the form shows for these fields."""
        chosen = {name: self.page.locator(f'[name="{name}"]:checked') for name in answers}
        return {name: box.input_value() if box.count() else self._shown(name) for name, box in chosen.items()}

    def _shown(self, name: str) -> str:
        field = self.page.locator(f'[name="{name}"]').first
        return "" if field.get_attribute("type") in ("radio", "checkbox") else field.input_value()

    def check_fingers(self) -> None:
        """Everything can be hit with a thumb, and no field makes the phone zoom in."""
        assert (small := self.page.evaluate(TARGETS, TARGET)) == [], small
        assert self.page.evaluate(SMALL, LETTERS) == []
