"""Reads settings from the environment. `infra/topology.py` decides which settings each function has."""

from __future__ import annotations

import os
from functools import cache

PREFIX = "SWITCHBOARD_"


class MissingSettingError(RuntimeError):
    """The environment lacks a setting: the topology does not grant it to this function."""


def text(name: str, default: str | None = None) -> str:
    """The setting `SWITCHBOARD_<name>`."""
    value = os.environ.get(PREFIX + name, default)
    if value is None:
        raise MissingSettingError(f"{PREFIX}{name} is not set: check that the topology grants it to this function")
    return value


def number(name: str, default: int) -> int:
    """The setting `SWITCHBOARD_<name>` as an integer."""
    return int(os.environ.get(PREFIX + name, default))


def flag(name: str, *, default: bool = False) -> bool:
    """Whether the setting `SWITCHBOARD_<name>` is on, true, yes or 1."""
    value = os.environ.get(PREFIX + name)
    return default if value is None else value.strip().lower() in {"1", "on", "true", "yes"}


def env_key(kind: str, name: str) -> str:
    """The environment variable for a resource: `SWITCHBOARD_QUEUE_EMAIL_EVENTS` for the queue `email-events`."""
    return f"{PREFIX}{kind}_{name.upper().replace('-', '_')}"


@cache
def table_name(name: str) -> str:
    """The physical name of a table of the topology."""
    return text(env_key("TABLE", name).removeprefix(PREFIX))


@cache
def queue_url(name: str) -> str:
    """The URL of a queue of the topology."""
    return text(env_key("QUEUE", name).removeprefix(PREFIX))


def queue_names() -> list[str]:
    """The names of the queues in the environment, sorted."""
    prefix = f"{PREFIX}QUEUE_"
    return sorted(name.removeprefix(prefix).lower().replace("_", "-") for name in os.environ if name.startswith(prefix))


def stage() -> str:
    """The deployment's name, for example `local`, `test` or `prod`."""
    return text("STAGE", "local")


def clear_cache() -> None:
    """Clears the cached settings, for tests that change the environment."""
    table_name.cache_clear()
    queue_url.cache_clear()
