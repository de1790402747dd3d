"""The errors of `make run` and `make invoke` about settings and files that they cannot use."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.local import __main__ as stack
from infra.local import invoke


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("abc", "IDENTITY_PORT is not a number: 'abc'"),
        ("", "IDENTITY_PORT is not a number: ''"),
        ("-1", "IDENTITY_PORT is not a number: '-1'"),
        ("65536", "IDENTITY_PORT is larger than 65535: 65536"),
    ],
)
def test_an_invalid_port_is_reported(monkeypatch: pytest.MonkeyPatch, text: str, told: str) -> None:
    monkeypatch.delenv("IDENTITY_PORT", raising=False)
    assert stack.port_of("IDENTITY_PORT", 8081) == 8081
    monkeypatch.setenv("IDENTITY_PORT", text)
    with pytest.raises(SystemExit) as refusal:
        stack.port_of("IDENTITY_PORT", 8081)
    assert refusal.value.code == told


def test_a_missing_event_file_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for path, told in (
        ("events/nope.json", "There is no file events/nope.json."),
        (str(tmp_path), f"Cannot read {tmp_path}: Is a directory."),
    ):
        monkeypatch.setattr(sys, "argv", ["invoke", "anima/email", path])
        with pytest.raises(SystemExit) as refusal:
            invoke.main()
        assert refusal.value.code == told
