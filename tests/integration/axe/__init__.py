"""axe in a page of the browser: the serious and critical faults of accessibility."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

from infra import node
from infra.local import engine

_HERE = Path(__file__).parent
_RUN = """
async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations
    .filter(({impact}) => impact === 'serious' || impact === 'critical')
    .flatMap(({id, nodes}) => nodes.map(({target, failureSummary}) => `${id} at ${target}: ${failureSummary}`));
}
"""


def find_faults(page: Page) -> list[str]:
    """Returns the serious and critical faults of a page."""
    # A script that the test driver evaluates is no part of the page, so the page's policy does not block it.
    page.evaluate(_source())
    faults: list[str] = page.evaluate(_RUN)
    return faults


@cache
def _source() -> str:
    modules = node.install_packages(_HERE, engine.ROOT / ".local" / "axe")
    return (modules / "axe-core" / "axe.min.js").read_text()
