"""The site of all models: a list that is searched, and a page behind each line."""

import re

import pytest

from shapetrace.models.presets import names
from tests.browser import chromium, open_browser
from tests.tools import tool


@pytest.fixture(scope="module")
def site():
    """The tool as a module."""
    return tool("build_site")


@pytest.fixture(scope="module")
def folder(site, tmp_path_factory):
    path = tmp_path_factory.mktemp("site")
    entries, failed = site.build(path, ["gpt2", "mixtral-8x7b", "nothing-like-it"])
    assert next(entry.name for entry in entries) == "GPT-2 small"
    assert [line.partition(":")[0] for line in failed] == ["nothing-like-it"]
    return path


def test_all_presets_and_fifty_types_are_asked_for(site):
    assert len(set(site.TYPES)) == len(site.TYPES) >= 50
    assert "gpt2" in names()


def test_all_pages_together_stay_small(folder):
    sizes = [path.stat().st_size for path in folder.glob("*.html")]
    assert len(sizes) == 4
    assert max(sizes) * 150 < 60e6


def test_names_in_the_list_are_text(site):
    hostile = "</li><script>alert(1)</script>"
    text = site.listing([site.Entry(hostile, "a.html", hostile, (hostile, hostile), "1", hostile)])
    assert text.count("<script") == 1
    assert "default-src 'none'" in text


@pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")
def test_the_list_is_searched_and_leads_to_pages(folder):
    with open_browser() as browser:
        page, errors = browser.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
        page.goto(f"{(folder / 'index.html').as_uri()}#experts")
        shown = page.locator("li:visible")
        assert shown.count() == 1 and "mixtral-8x7b" in shown.inner_text()
        page.locator("#q").fill("768")
        assert shown.count() == 1 and "GPT-2 small" in shown.inner_text()
        assert page.evaluate("location.hash") == "#768"
        page.locator("#q").fill("76")
        assert shown.count() == 0
        page.locator("#q").fill("")
        page.get_by_role("link", name="GPT-2 small").click()
        page.wait_for_selector("main .map")
        assert not errors


def test_the_list_in_chinese_says_no_english_sentence(folder):
    text = (folder / "index.zh.html").read_text(encoding="utf-8")
    assert '<html lang="zh">' in text and "2 个模型" in text and "12 层" in text
    assert "Each was run" not in text
    facts = re.findall(r"<small>(.*?)</small>", text)
    assert len(facts) == 2 and not any(word in fact for fact in facts for word in ("layers", "tokens", "heads"))


@pytest.mark.skipif(chromium() is None, reason="no Chromium on this system")
def test_the_list_in_chinese_leads_to_chinese_pages_and_back(folder):
    with open_browser() as browser:
        page = browser.new_page()
        page.goto((folder / "index.html").as_uri())
        page.get_by_role("link", name="中文").click()
        page.locator("#q").fill("注意力 768")
        assert page.locator("li:visible").count() == 1
        page.get_by_role("link", name="GPT-2 small").click()
        page.wait_for_selector("main .map")
        assert page.locator("html").get_attribute("lang") == "zh"
        page.go_back()
        page.get_by_role("link", name="English").click()
        assert page.locator("h1").inner_text() == "2 models, every shape recorded"
