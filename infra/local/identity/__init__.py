"""The OpenID provider at which people sign in on this machine: oidc-provider, from npm, run by the bundled Node."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from infra import node
from infra.local import engine
from infra.local.waiting import until_up

CLIENT_ID = "switchboard-console"
#: Where people arrive who signed in: there is no console here, and this tells them who they are.
HOME_PATH = "/api/me"
_HERE = Path(__file__).parent


class Identity:
    """A provider that is starting, or running."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, console_url: str, log: Path) -> None:
        self._process, self._console_url, self._log = process, console_url, log
        self.issuer = f"http://localhost:{port}"

    def environ(self) -> dict[str, str]:
        """The settings by which functions find it."""
        return {
            "SWITCHBOARD_OIDC_ISSUER": self.issuer,
            "SWITCHBOARD_OIDC_CLIENT_ID": CLIENT_ID,
            "SWITCHBOARD_PUBLIC_URL": self._console_url,
            "SWITCHBOARD_HOME_PATH": HOME_PATH,
        }

    def ready(self) -> None:
        """Wait until it answers."""
        until_up(self._process, f"{self.issuer}/.well-known/openid-configuration", "OpenID provider", self._log)

    def stop(self) -> None:
        """Stop it; it has nothing to write."""
        self._process.kill()
        self._process.communicate()


def subject(address: str) -> str:
    """What the provider calls whoever signs in with an address, as provider.mjs makes it."""
    return hashlib.sha256(address.lower().encode()).hexdigest()[:32]


def start(*, port: int, console_url: str, log: Path) -> Identity:
    """Begin to start a provider for this machine only, whose one client is the console at `console_url`."""
    modules = node.packages(_HERE, engine.ROOT / ".local" / "identity")
    environ = {
        "PORT": str(port),
        "CLIENT_ID": CLIENT_ID,
        "CONSOLE_URL": console_url,
        "HOME_PATH": HOME_PATH,
        "MODULES": f"{modules}/",
    }
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [node.binary(), _HERE / "provider.mjs"],
            env=environ,
            # It lives as long as this pipe is open, and so ends with us even if we are killed.
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            # A Ctrl-C at the terminal is for us.
            start_new_session=True,
        )
    return Identity(process, port, console_url, log)
