"""Ports of servers on one machine: several stacks that start at the same time get different ones."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from infra.local import server


def test_a_port_is_handed_out_once_until_its_server_had_time_to_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(server, "_PORTS", range(20_000, 20_008, 2))
    monkeypatch.setattr(server, "is_free", lambda _: True)
    monkeypatch.setattr(server.secrets, "choice", _every_port_in_turn())
    assert {server.free_port() for _ in range(4)} == {20_000, 20_002, 20_004, 20_006}
    with pytest.raises(RuntimeError, match="no port is free"):
        server.free_port()
    long_ago = time.time() - 301
    [folder] = tmp_path.iterdir()
    os.utime(folder / "20004", (long_ago, long_ago))
    assert server.free_port() == 20_004


def _every_port_in_turn() -> object:
    asked = iter(range(10_000))
    return lambda ports: ports[next(asked) % len(ports)]
