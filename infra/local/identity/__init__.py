"""The local OpenID provider for sign-ins, in a process of its own: `provider.py`."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from infra.install.environments import ROOT
from infra.local.server import Server
from switchboard.people.return_to import SIGNED_OUT_PATH

CLIENT_ID = "switchboard-console"


class Identity(Server):
    """The provider's server. It stores no data."""

    def __init__(self, *, port: int, console_url: str, log: Path) -> None:
        super().__init__(
            "OpenID provider",
            [sys.executable, "-m", "infra.local.identity.provider"],
            port=port,
            path="/.well-known/openid-configuration",
            log=log,
            environ={
                "PORT": str(port),
                "CLIENT_ID": CLIENT_ID,
                "CONSOLE_URL": console_url,
                "SIGNED_OUT_PATH": SIGNED_OUT_PATH,
                # This checkout, even if another one is installed.
                "PYTHONPATH": os.pathsep.join((str(ROOT / "layers"), str(ROOT))),
            },
        )
        self.issuer, self._console_url = f"http://localhost:{port}", console_url

    def environ(self) -> dict[str, str]:
        """The settings with which functions find the provider."""
        return {
            "SWITCHBOARD_OIDC_ISSUER": self.issuer,
            "SWITCHBOARD_OIDC_CLIENT_ID": CLIENT_ID,
            "SWITCHBOARD_PUBLIC_URL": self._console_url,
            "SWITCHBOARD_CALLBACKS_URL": self._console_url,
        }


def subject(address: str) -> str:
    """The provider's id (`sub`) of the person with an address, computed as in provider.py."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:32]


def start(*, port: int, console_url: str, log: Path) -> Identity:
    """Start a provider for this machine only, without waiting for it. Its only client is the console."""
    provider = Identity(port=port, console_url=console_url, log=log)
    provider.start()
    return provider
