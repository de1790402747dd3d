"""The OpenID provider at which people sign in on this machine: oidc-provider, from npm, run by the bundled Node."""

from __future__ import annotations

import hashlib
from pathlib import Path

from infra import node
from infra.local import engine
from infra.local.server import Server

CLIENT_ID = "switchboard-console"
#: Where people arrive who signed in: there is no console here, and this tells them who they are.
HOME_PATH = "/api/me"
_HERE = Path(__file__).parent


class Identity(Server):
    """The provider, started or not. It has nothing to write."""

    def __init__(self, *, port: int, console_url: str, log: Path) -> None:
        modules = node.packages(_HERE, engine.ROOT / ".local" / "identity")
        super().__init__(
            "OpenID provider",
            [node.binary(), _HERE / "provider.mjs"],
            port=port,
            path="/.well-known/openid-configuration",
            log=log,
            environ={
                "PORT": str(port),
                "CLIENT_ID": CLIENT_ID,
                "CONSOLE_URL": console_url,
                "HOME_PATH": HOME_PATH,
                "MODULES": f"{modules}/",
            },
        )
        self.issuer, self._console_url = f"http://localhost:{port}", console_url

    def environ(self) -> dict[str, str]:
        """The settings by which functions find it."""
        return {
            "SWITCHBOARD_OIDC_ISSUER": self.issuer,
            "SWITCHBOARD_OIDC_CLIENT_ID": CLIENT_ID,
            "SWITCHBOARD_PUBLIC_URL": self._console_url,
            "SWITCHBOARD_CALLBACKS_URL": self._console_url,
            "SWITCHBOARD_HOME_PATH": HOME_PATH,
        }


def subject(address: str) -> str:
    """What the provider calls whoever signs in with an address, as provider.mjs makes it."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:32]


def start(*, port: int, console_url: str, log: Path) -> Identity:
    """Begin to start a provider for this machine only, whose one client is the console at `console_url`."""
    provider = Identity(port=port, console_url=console_url, log=log)
    provider.start()
    return provider
