"""Pages of the explorer, examined by axe: names, roles, contrast, order of headings."""

import pytest

from tests.browser import chromium, open_browser
from tests.exploring.conftest import DESKTOP, PHONE
from tests.exploring.models import page
from tests.programs import environment

pytestmark = [pytest.mark.slow, pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")]

PLACES = [
    ("gpt2", ""),
    ("gpt2", "#?view=rows"),
    ("gpt2", "#h.0.attn/scores?row=5"),
    ("gpt2", "#h.0.attn/scores?entry=5,4"),
    ("deepseek-v3", "#h.3.mlp?bars=flops&dims=names"),
    ("transformer-base", "#decoder.0.cross_attn"),
    ("broken", ""),
    ("generated gpt2", "#?pass=2"),
    ("gpt2 llama-3.1-8b", "#h.0.attn"),
]


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(tmp_path, size, scheme):
    programs = environment("axe", "axe-playwright-python>=0.1")
    axe = next(programs.parent.glob("lib/*/site-packages/axe_playwright_python/axe.min.js")).read_text(encoding="utf-8")
    found = []
    with open_browser() as browser:
        context = browser.new_context(viewport=size, color_scheme=scheme, bypass_csp=True)
        for name, link in PLACES:
            path = tmp_path / f"{name}.html"
            path.write_text(page(name), encoding="utf-8")
            shown = context.new_page()
            shown.goto(f"{path.as_uri()}{link}")
            shown.wait_for_function("document.documentElement.dataset.ready")
            shown.evaluate(axe)
            violations = shown.evaluate("axe.run()")["violations"]
            found += [(name, link, each["id"], each["nodes"][0]["html"]) for each in violations]
            shown.close()
    assert found == []
