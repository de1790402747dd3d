"""The three ports of the stack, from environment variables. Each refusal is one line that says what to do."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

_DEFAULT, _MAIL_DEFAULT, _LARGEST = 8_080, 2_525, 65_535


@dataclass(frozen=True)
class Ports:
    """The ports of the APIs, of the OpenID provider, and of mail for the agents."""

    api: int
    identity: int
    #: `None` if nobody chose it: then a free port is taken if 2525 is not free.
    mail: int | None

    @property
    def chosen(self) -> dict[str, int]:
        """The chosen ports by their environment variables."""
        named = {"PORT": self.api, "IDENTITY_PORT": self.identity}
        return named | ({"SMTP_PORT": self.mail} if self.mail else {})


def read_ports(environ: Mapping[str, str]) -> Ports:
    """Return the ports that PORT, IDENTITY_PORT and SMTP_PORT name. Raises SystemExit if they cannot be used."""
    api = _read_port(environ, "PORT") or _DEFAULT
    identity = _read_port(environ, "IDENTITY_PORT")
    if identity is None and api == _LARGEST:
        raise SystemExit("IDENTITY_PORT is the port after PORT unless you set it, and there is none: set it too.")
    found = Ports(api, identity or api + 1, _read_port(environ, "SMTP_PORT"))
    names: dict[int, str] = {}
    for name, port in found.chosen.items():
        if port in names:
            raise SystemExit(f"{names[port]} and {name} are both {port}: set {name} to another port.")
        names[port] = name
    return found


def _read_port(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _LARGEST:
        return int(text)
    raise SystemExit(f"{name} must be a number from 1 to {_LARGEST}, but it is {text!r}.")


def require_free(port: int, name: str) -> None:
    """Raise SystemExit if this port cannot be used: `name` is its environment variable."""
    with socket.socket() as probe:
        _bind(probe, port, name)


def listen(port: int, name: str) -> socket.socket:
    """Return a socket that listens on a port of this machine only. Raises SystemExit if the port cannot be used."""
    found = socket.socket()
    try:
        _bind(found, port, name)
        found.listen(2_048)
    except OSError:
        found.close()
        raise _in_use(port, name) from None
    except SystemExit:
        found.close()
        raise
    return found


def listen_for_mail(chosen: Ports) -> socket.socket:
    """Return a socket that listens for mail: on the chosen port, else on 2525 if it is free, else on any free port.

    Raises SystemExit if the chosen port cannot be used.
    """
    if chosen.mail:
        return listen(chosen.mail, "SMTP_PORT")
    if _MAIL_DEFAULT not in (chosen.api, chosen.identity):
        with suppress(SystemExit):
            return listen(_MAIL_DEFAULT, "SMTP_PORT")
    return listen(0, "SMTP_PORT")


def _bind(server: socket.socket, port: int, name: str) -> None:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(("127.0.0.1", port))
    except OSError as error:
        if error.errno == errno.EACCES:
            raise SystemExit(f"Only an administrator may use port {port}: set {name} to a port above 1023.") from None
        raise _in_use(port, name) from None


def _in_use(port: int, name: str) -> SystemExit:
    return SystemExit(f"Another program uses port {port}: stop that program, or run `{name}=<another port> make run`.")
