"""The files that the portal serves: OpenAPI documents, their renderer, and the pages' styles and scripts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
#: The renderer of the reference pages. `python -m infra.renderer` installs it here.
RENDERER = "scalar.js"
_RENDERER = _HERE / "scalar" / RENDERER
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class File:
    """A file's text and the digest of its content."""

    text: str
    media_type: str
    digest: str


@cache
def find_asset(name: str) -> File | None:
    """Returns the asset with this name, or `None`."""
    path = list_assets().get(name)
    return _read(path) if path else None


@cache
def find_document(name: str) -> File | None:
    """Returns the OpenAPI document of the API with this name, or `None`."""
    return _read(_HERE / "documents" / f"{name}.json") if name in list_document_infos() else None


@cache
def list_document_infos() -> dict[str, dict[str, Any]]:
    """Returns the `info` of each OpenAPI document by the API's name."""
    return {path.stem: json.loads(path.read_text())["info"] for path in sorted((_HERE / "documents").glob("*.json"))}


@cache
def list_assets() -> dict[str, Path]:
    """Returns the path of each asset by its name."""
    # A local stack without access to npm has no renderer.
    found = (*(_HERE / "assets").iterdir(), *_RENDERER.parent.glob(_RENDERER.name))
    return {path.name: path for path in found if path.suffix in _MEDIA_TYPES}


def _read(path: Path) -> File:
    content = path.read_bytes()
    return File(content.decode(), _MEDIA_TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])
