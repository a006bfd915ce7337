"""Pages of models, opened in Chromium."""

import pytest
from playwright.sync_api import Page

from tests.exploring.models import page

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


@pytest.fixture
def opened(browser, tmp_path):
    """Open the page of a model; at the end no error may have been told."""
    errors, pages = [], []

    def go(name, link="", size=DESKTOP, scheme="light") -> Page:
        path = tmp_path / f"{name}.html"
        path.write_text(page(name), encoding="utf-8")
        shown = browser.new_page(viewport=size, color_scheme=scheme)
        pages.append(shown)
        shown.on("pageerror", lambda error: errors.append(str(error)))
        shown.on("console", lambda told: errors.append(told.text) if told.type in {"error", "warning"} else None)
        shown.on("request", lambda asked: errors.append(asked.url) if asked.url.startswith("http") else None)
        shown.goto(f"{path.as_uri()}{link}")
        shown.wait_for_function("document.documentElement.dataset.ready")
        return shown

    yield go
    for shown in pages:
        shown.close()
    assert not errors


def place(shown: Page) -> str:
    return shown.evaluate("decodeURIComponent(location.hash.slice(1))")
