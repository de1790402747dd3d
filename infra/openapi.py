"""The OpenAPI documents, made from the code: `python -m infra.openapi` writes them to the portal's folder."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

from infra import topology
from switchboard.dialects.anima import document as anima
from switchboard.dialects.athos import document as athos
from switchboard.dialects.hum import document as hum
from switchboard.dialects.opticomm import document as opticomm
from switchboard.edge.api import Api
from switchboard.edge.descriptions import ApiDescription
from switchboard.edge.openapi import build_document

FOLDER = Path(__file__).resolve().parents[1] / "functions" / "portal" / "documents"

#: The APIs that have a document, by their name in the topology.
DESCRIPTIONS: dict[str, ApiDescription] = {
    "anima": anima.DESCRIPTION,
    "opticomm": opticomm.DESCRIPTION,
    "athos": athos.DESCRIPTION,
    "hum": hum.DESCRIPTION,
}


#: Groups that are served with an API but are not part of its document.
_BESIDE = frozenset({"portal"})


def groups(name: str) -> list[Api]:
    """The groups of an API, in the topology's order."""
    modules = [
        f"functions.{group.name.replace('/', '.')}.handler"
        for group in topology.GROUPS
        if group.api == name and group.name not in _BESIDE
    ]
    return [importlib.import_module(module).api for module in modules]


def text(name: str) -> str:
    """The document of an API as JSON text."""
    made = build_document(groups(name), DESCRIPTIONS[name])
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all documents."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in DESCRIPTIONS:
        (FOLDER / f"{name}.json").write_text(text(name))


if __name__ == "__main__":
    main()
