"""Selects the deployment of a command: its settings and, on this machine, the engine's address and credentials."""

from __future__ import annotations

import json
import os
from pathlib import Path

from switchboard.aws import clients, deployment
from switchboard.errors import NotFound
from switchboard.kit import settings
from switchboard.kit.processes import is_alive

_HOME = ".local"


def load_settings(local: str | None, stage: str | None) -> None:
    """Loads a deployment's settings into the environment.

    Raises NotFound if the deployment does not exist, and MissingSettingError if no deployment is selected.
    """
    if stage:
        _read_region_as_the_aws_command_line()
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


def _read_region_as_the_aws_command_line() -> None:
    """Makes AWS_REGION count, and an empty variable not. botocore alone does neither."""
    region = os.environ.get("AWS_REGION") or os.environ.pop("AWS_DEFAULT_REGION", "")
    if region:
        os.environ["AWS_DEFAULT_REGION"] = region


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


def read_demo(home: str | None) -> dict[str, str]:
    """Returns the addresses and keys of the demo organization of a local stack, empty without such a stack."""
    try:
        lines = (Path(home or _HOME).expanduser() / "demo.env").read_text().splitlines()
    except OSError:
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line)


def find_demo_session(home: str | None, user_id: str) -> str | None:
    """Returns the name in `demo.env` of a session of this person, `None` without one."""
    return next((name for name, value in read_demo(home).items() if f".{user_id}." in value), None)
