"""The local OpenID provider for sign-ins, in a process of its own: `provider.py`."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from infra.install.environments import ROOT
from infra.local.server import Server

CLIENT_ID = "switchboard-console"
#: The target after a sign-in. There is no console here, and this path shows the signed-in person.
HOME_PATH = "/api/me"


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
                "HOME_PATH": HOME_PATH,
                "PYTHONPATH": str(ROOT),
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
            "SWITCHBOARD_HOME_PATH": HOME_PATH,
        }


def subject(address: str) -> str:
    """The provider's id (`sub`) of the person with an address, computed as in provider.py."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:32]


def start(*, port: int, console_url: str, log: Path) -> Identity:
    """Start a provider for this machine only, without waiting for it. Its only client is the console."""
    provider = Identity(port=port, console_url=console_url, log=log)
    provider.start()
    return provider
