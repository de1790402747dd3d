"""The errors of `make invoke` about files that it cannot use."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.local import invoke


def test_a_missing_event_file_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for path, told in (
        ("events/nope.json", "There is no file events/nope.json."),
        (str(tmp_path), f"Cannot read {tmp_path}: Is a directory."),
    ):
        monkeypatch.setattr(sys, "argv", ["invoke", "anima/email", path])
        with pytest.raises(SystemExit) as refusal:
            invoke.main()
        assert refusal.value.code == told
