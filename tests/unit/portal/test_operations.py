"""The Markdown of each API: every operation with its fields, its example and its errors."""

from __future__ import annotations

import json

import pytest

from functions.portal import files, operations
from infra import openapi


@pytest.mark.parametrize("name", openapi.DESCRIPTIONS)
def test_every_operation_has_method_path_purpose_and_errors(name: str) -> None:
    text = operations.write_reference(name)
    parts = text.split("\n### ")[1:]
    described = operations.list_operations(name)
    assert len(parts) == len(described)
    for part, one in zip(parts, described, strict=True):
        assert part.startswith(f"{one.summary}\n\n`{one.method} {one.path}`\n")
        assert "\nErrors:\n\n- " in part
        assert "\nResponse " in part


@pytest.mark.parametrize("name", openapi.DESCRIPTIONS)
def test_every_operation_of_the_document_is_there_once(name: str) -> None:
    file = files.find_document(name)
    assert file is not None
    expected = {one["operationId"] for item in json.loads(file.text)["paths"].values() for one in item.values()}
    found = [one.raw["operationId"] for one in operations.list_operations(name)]
    assert sorted(found) == sorted(expected)


def test_fields_have_types_limits_and_meanings() -> None:
    text = operations.write_reference("anima")
    assert "| `to` | email or list of email | One address or a list of addresses. |" in text
    assert "| `subject` | string | at most 998 characters |" in text
    assert "| `items[].id` | string |" in text
    assert "{'" not in text
    assert "$ref" not in text


def test_a_table_has_as_many_cells_in_each_row() -> None:
    for name in openapi.DESCRIPTIONS:
        width = 0
        for line in operations.write_reference(name).splitlines():
            cells = line.replace("\\|", "").count("|") if line.startswith("|") else 0
            assert not (width and cells) or cells == width, line
            width = cells
