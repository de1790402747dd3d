"""The OpenAPI documents, made from the code: `python -m infra.openapi` writes them to the portal's folder.

It also writes the README's counts of operations.
"""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from infra import topology
from infra.resources import Group
from infra.webhook_operations import add_webhooks
from switchboard.dialects.anima import document as anima
from switchboard.dialects.athos import document as athos
from switchboard.dialects.hum import document as hum
from switchboard.dialects.opticomm import document as opticomm
from switchboard.edge.api import Api
from switchboard.edge.descriptions import ApiDescription
from switchboard.edge.openapi import DocumentError, build_document
from switchboard.webhooks.models import KindName

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "functions" / "portal" / "documents"
README = ROOT / "README.md"
#: The customers' documents that our APIs fulfill.
CONTRACTS = ROOT / "tests" / "contract" / "oracle"
_METHODS = ("get", "put", "post", "delete", "patch")

#: The APIs that have a document, by their name in the topology.
DESCRIPTIONS: dict[str, ApiDescription] = {
    "anima": anima.DESCRIPTION,
    "opticomm": opticomm.DESCRIPTION,
    "athos": athos.DESCRIPTION,
    "hum": hum.DESCRIPTION,
}


#: The kind of webhooks of each API.
WEBHOOK_KINDS: dict[str, KindName] = {"anima": "anima", "opticomm": "opticomm", "athos": "athos", "hum": "hum"}

#: Groups that are served with an API but are not part of its document.
_BESIDE = frozenset({"portal"})


def groups(name: str) -> list[Api]:
    """The groups of an API, in the topology's order."""
    return [_api(group) for group in topology.GROUPS if group.api == name and group.name not in _BESIDE]


def _api(group: Group) -> Api:
    api: Api = importlib.import_module(f"functions.{group.name.replace('/', '.')}.handler").api
    return api


def operations_of(group: Group) -> set[str]:
    """The ids of a group's operations."""
    return _operation_ids(build_document([_api(group)], DESCRIPTIONS[group.api]))


def draft_operations(name: str) -> set[str]:
    """The operations of an API that do not have their contract's form yet."""
    drafts = [group for group in topology.GROUPS if group.api == name and group.draft]
    return {operation_id for group in drafts for operation_id in operations_of(group)}


def _operation_ids(document: dict[str, Any]) -> set[str]:
    return {item[method]["operationId"] for item in document["paths"].values() for method in _METHODS if method in item}


class OperationCounts(NamedTuple):
    """How many operations of its contract an API has, how many the contract has, and how many more the API has."""

    served: int
    contract: int
    beyond: int


def count_operations(name: str) -> OperationCounts:
    """Count the operations of an API. Drafts do not count."""
    ours = _operation_ids(json.loads((FOLDER / f"{name}.json").read_text())) - draft_operations(name)
    contract = _operation_ids(json.loads((CONTRACTS / f"{name}.json").read_text()))
    return OperationCounts(len(ours & contract), len(contract), len(ours - contract))


def readme_with_counts(readme: str) -> str:
    """The README's text with the present counts. Raises ValueError if an API has no row."""
    for name in DESCRIPTIONS:
        counts = count_operations(name)
        row = rf"(?im)^(\| {name} \|[^|]*\| )\d+ of \d+([^|]*\| )\d+ \|$"
        readme, found = re.subn(row, rf"\g<1>{counts.served} of {counts.contract}\g<2>{counts.beyond} |", readme)
        if found != 1:
            raise ValueError(f"README.md: add a row for {name} to the table of what works today")
    return readme


def text(name: str) -> str:
    """The document of an API as JSON text."""
    description = DESCRIPTIONS[name]
    made = build_document(groups(name), description)
    if unknown := description.harmless - _operation_ids(made):
        raise DocumentError(f"{name} has no operations {sorted(unknown)}: take them off its `harmless`")
    add_webhooks(made, WEBHOOK_KINDS[name])
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all documents."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in DESCRIPTIONS:
        (FOLDER / f"{name}.json").write_text(text(name))
    README.write_text(readme_with_counts(README.read_text()))


if __name__ == "__main__":
    main()
