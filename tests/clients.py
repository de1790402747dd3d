"""AWS clients of the tests with moto: created once, and passed unchanged to the next test."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

from tests import quick_clients

_ENVIRON = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION")


@cache
def _session() -> Any:
    """Returns one session for all tests, because it reads botocore's models."""
    made = botocore.session.get_session()
    for service in ("dynamodb", "sqs"):
        made.register(f"creating-client-class.{service}", quick_clients.add_quick_base)
    return made


class Session:
    """The session of one test. It replaces botocore's."""

    def __init__(self) -> None:
        self._inner = _session()
        self._inner.set_credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])

    def get_credentials(self) -> Any:
        """The credentials of the process."""
        return self._inner.get_credentials()

    def create_client(self, service: str, config: Config) -> Any:
        """Returns a client without hooks. A client of an earlier test is used again without that test's hooks."""
        if any(name.startswith("AWS_ENDPOINT_URL") for name in os.environ):
            return self._inner.create_client(service, config=config)
        options = repr(sorted(config._user_provided_options.items(), key=repr))
        place = (service, options, *map(os.environ.get, _ENVIRON))
        kept = _kept.get(place)
        if kept is None or not kept.is_new():
            kept = _kept[place] = _Kept(self._inner.create_client(service, config=config))
        kept.hooks.renew()
        return kept.client


class _Kept:
    def __init__(self, client: Any) -> None:
        self.client = client
        self.hooks = client.hooks = quick_clients.Hooks(client)
        self._attributes = dict(vars(client))

    def is_new(self) -> bool:
        """Whether no test has replaced a part of the client."""
        return not self.hooks.spoiled and vars(self.client) == self._attributes


_kept: dict[tuple[Any, ...], _Kept] = {}
