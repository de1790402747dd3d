"""Settings, read from the environment that infra/topology.py gives each function."""

from __future__ import annotations

import os
from functools import cache

PREFIX = "SWITCHBOARD_"


class MissingSettingError(RuntimeError):
    """A function was asked for something that the topology does not give it."""


def text(name: str, default: str | None = None) -> str:
    """The setting `SWITCHBOARD_<name>`."""
    value = os.environ.get(PREFIX + name, default)
    if value is None:
        raise MissingSettingError(f"{PREFIX}{name} is not set: does the topology grant it to this function?")
    return value


def number(name: str, default: int) -> int:
    """The setting `SWITCHBOARD_<name>` as a whole number."""
    return int(os.environ.get(PREFIX + name, default))


def flag(name: str, *, default: bool = False) -> bool:
    """The setting `SWITCHBOARD_<name>` as a switch: on, true, yes or 1."""
    value = os.environ.get(PREFIX + name)
    return default if value is None else value.strip().lower() in {"1", "on", "true", "yes"}


def env_key(kind: str, name: str) -> str:
    """The environment variable that names a resource: `SWITCHBOARD_QUEUE_EMAIL_EVENTS` for queue `email-events`."""
    return f"{PREFIX}{kind}_{name.upper().replace('-', '_')}"


@cache
def table(name: str) -> str:
    """The physical name of a table of the topology."""
    return text(env_key("TABLE", name).removeprefix(PREFIX))


@cache
def queue_url(name: str) -> str:
    """The URL of a queue of the topology."""
    return text(env_key("QUEUE", name).removeprefix(PREFIX))


def queues() -> list[str]:
    """The names of the queues that the environment tells of."""
    prefix = f"{PREFIX}QUEUE_"
    return sorted(name.removeprefix(prefix).lower().replace("_", "-") for name in os.environ if name.startswith(prefix))


def stage() -> str:
    """The deployment's name: `local`, `test`, `prod` …"""
    return text("STAGE", "local")


def forget() -> None:
    """Drop what was read, for tests that change the environment."""
    table.cache_clear()
    queue_url.cache_clear()
