"""Looks at a run in the ZenML dashboard with a real browser."""

import shutil
from collections.abc import Sequence
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NO_BROWSER = "no chromium, chromium-browser or google-chrome on PATH"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-3d-apis",  # the login page draws its background by WebGL: a frame a second without a GPU
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def see_run(
    address: str, *, steps: Sequence[str], in_report: str, pictures: Path, login: tuple[str, str] | None = None
) -> None:
    """Opens a run's page, logged in if asked: its steps must be in the DAG, the text in the preview of its report."""
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1500, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(address)
        if login is not None:
            for field, text in enumerate(login):
                page.locator("input").nth(field).fill(text)
            page.get_by_role("button", name="Login").click()
        for step in steps:
            expect(page.get_by_text(step, exact=True).first).to_be_visible(timeout=60_000)
        page.screenshot(path=pictures / "dag.png")
        page.get_by_text("report", exact=True).first.click()
        page.get_by_text("Visualization", exact=True).last.click()
        load = page.get_by_text("Load Preview")
        shown = page.frame_locator("iframe").get_by_text(in_report).first
        expect(load.or_(page.locator("iframe")).first).to_be_visible()
        if load.count():
            load.first.click()
        expect(shown).to_be_visible()
        page.screenshot(path=pictures / "report.png")
        browser.close()
