"""The guides: each command runs against a stack, and the search leads to guides and operations."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from infra import guides
from tests import pages
from tests.conftest import Stack, stack_in
from tests.integration.browser import Browser
from tests.integration.test_pages import open_page, without_problems

_WITH_COMMANDS = [name for name, path in guides.SOURCES.items() if path.parent == guides.FOLDER]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack for this test alone: the guides write to its demo organization."""
    with stack_in(tmp_path_factory.mktemp("guides")) as started:
        yield started


@pytest.mark.parametrize("name", _WITH_COMMANDS)
def test_every_command_of_a_guide_prints_the_guides_output(name: str, stack: Stack, tmp_path: Path) -> None:
    (tmp_path / ".local").symlink_to(stack.home)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SWITCHBOARD_"))}
    environ = kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    assert pages.run(guides.SOURCES[name], tmp_path, environ) > 0


def test_the_search_ignores_case_and_leads_to_an_operation(stack: Stack, browser: Browser) -> None:
    url = stack.url.replace("127.0.0.1", "localhost")

    def visit(page: Page) -> None:
        with without_problems(page):
            open_page(page, f"{url}/docs")
            page.get_by_label("Search guides and operations").fill("SEND an Email")
            page.get_by_role("link", name="Send an email", exact=True).click()
            page.get_by_role("heading", name="Send an email", exact=True).wait_for(timeout=30_000)
            expect(page.get_by_role("heading", name="Send an email", exact=True)).to_be_in_viewport(timeout=30_000)

    browser.run(visit)


def test_a_block_of_code_is_copied(stack: Stack, browser: Browser) -> None:
    url = stack.url.replace("127.0.0.1", "localhost")

    def visit(page: Page) -> None:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        open_page(page, f"{url}/docs/guides/getting-started")
        page.get_by_role("button", name="Copy the code").first.click()
        expect(page.get_by_role("button", name="Copy the code").first).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()").startswith(". .local/demo.env")

    browser.run(visit)
