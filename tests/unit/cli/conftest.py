"""The operator at the terminal: a command and its output."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from switchboard.cli import main
from tests.actors import Tenant, tenant


@dataclass(frozen=True)
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Run = Callable[..., CommandResult]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*words: str) -> CommandResult:
        try:
            code = main(words)
        except SystemExit as ended:  # the exit of argparse
            code = int(ended.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return CommandResult(code, out, err)

    return command


@pytest.fixture
def acme(cloud: dict[str, str]) -> Tenant:
    return tenant()
