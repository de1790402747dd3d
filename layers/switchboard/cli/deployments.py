"""Selects the deployment of a command: its settings and, on this machine, the engine's address and credentials."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from switchboard.aws import clients, deployment
from switchboard.errors import NotFound
from switchboard.kit import settings
from switchboard.kit.processes import is_alive

_HOME = ".local"


def expand_local_option(argv: Sequence[str]) -> list[str]:
    """Returns the arguments with the default path after `--local`, unless a path follows it already."""
    words: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--local":
            word = f"--local={rest.pop(0) if rest and (rest[0][:1] in './~' and rest[0]) else _HOME}"
        words.append(word)
    return words


def load_settings(local: str | None, stage: str | None) -> None:
    """Loads a deployment's settings into the environment.

    Raises NotFound if the deployment does not exist, and MissingSettingError if no deployment is selected.
    """
    if stage:
        found = deployment.load_environ(stage)
    elif local is not None:
        found = _running(Path(local).expanduser())
    elif "SWITCHBOARD_STAGE" not in os.environ and Path(_HOME).is_dir():
        found = _running(Path(_HOME), ", or name a deployment with --stage NAME")
    else:
        settings.text("STAGE")
        return
    os.environ.update(found)
    settings.clear_cache()
    clients.clear_clients()


def _running(home: Path, otherwise: str = "") -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((home / "environ.json").read_text())
    except FileNotFoundError:
        found = {}
    if not found or not _is_ready(home):
        raise NotFound(f"No local stack runs in {home}: start it with `make run`{otherwise}.")
    # The environment holds the engine's credentials: the person's own AWS profile must not replace them.
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)
    return found


def _is_ready(home: Path) -> bool:
    # A killed stack leaves this file with its process id behind.
    try:
        return is_alive((home / "ready").read_text())
    except OSError:
        return False
