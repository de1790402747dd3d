"""The libraries with which receivers verify deliveries: `standardwebhooks` and `svix`, in Python and in Node.

The packages of Node come from npm, as those of the browser do.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import standardwebhooks
import svix.webhooks

from infra import node
from infra.local import engine

_HERE = Path(__file__).parent
_SECONDS = 60


class Signed(NamedTuple):
    """A delivery as it arrived, with the secret that its receiver knows."""

    secret: str
    body: bytes
    headers: dict[str, str]


def verify(deliveries: Sequence[Signed]) -> dict[str, list[bool]]:
    """Return for each library whether it verifies each delivery."""
    python: dict[str, Callable[[str], Any]] = {
        "standardwebhooks in Python": standardwebhooks.Webhook,
        "svix in Python": svix.webhooks.Webhook,
    }
    found = {name: [_is_verified(make, one) for one in deliveries] for name, make in python.items()}
    return found | {f"{name} in Node": results for name, results in _verify_in_node(deliveries).items()}


def _is_verified(make: Callable[[str], Any], signed: Signed) -> bool:
    try:
        make(signed.secret).verify(signed.body, signed.headers)
    except (standardwebhooks.WebhookVerificationError, svix.webhooks.WebhookVerificationError):
        return False
    return True


def _verify_in_node(deliveries: Sequence[Signed]) -> dict[str, list[bool]]:
    modules = node.install_packages(_HERE, engine.ROOT / ".local" / "verifiers")
    asked = [{**one._asdict(), "body": one.body.decode()} for one in deliveries]
    done = subprocess.run(
        [node.node_binary(), _HERE / "verify.mjs"],
        input=json.dumps(asked).encode(),
        env={"MODULES": f"{modules}/"},
        stdout=subprocess.PIPE,
        timeout=_SECONDS,
        check=True,
    )
    found: dict[str, list[bool]] = json.loads(done.stdout)
    return found
