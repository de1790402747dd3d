"""The files that the portal serves: OpenAPI documents, Swagger UI, and the portal's style and script."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
#: The copy of Swagger UI in Powertools.
_SWAGGER_UI = Path(str(resources.files("aws_lambda_powertools"))) / "event_handler" / "openapi" / "swagger_ui"

_ASSET_FOLDERS = {
    "portal.css": _HERE / "assets",
    "portal.js": _HERE / "assets",
    "widget.js": _HERE / "assets",
    "swagger-ui.min.css": _SWAGGER_UI,
    "swagger-ui-bundle.min.js": _SWAGGER_UI,
}
_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".json": "application/json"}


@dataclass(frozen=True)
class File:
    """A file's text and the digest of its content."""

    text: str
    media_type: str
    digest: str


@cache
def find_asset(name: str) -> File | None:
    """Returns the asset with this name, or `None`."""
    return _read(_ASSET_FOLDERS[name] / name) if name in _ASSET_FOLDERS else None


@cache
def find_document(name: str) -> File | None:
    """Returns the OpenAPI document of the API with this name, or `None`."""
    return _read(_HERE / "documents" / f"{name}.json") if name in list_document_infos() else None


@cache
def list_document_infos() -> dict[str, dict[str, Any]]:
    """Returns the `info` of each OpenAPI document by the API's name."""
    return {path.stem: json.loads(path.read_text())["info"] for path in sorted((_HERE / "documents").glob("*.json"))}


def _read(path: Path) -> File:
    content = path.read_bytes()
    return File(content.decode(), _MEDIA_TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:16])
