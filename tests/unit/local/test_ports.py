"""Odd ports are refused in one line that says what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from infra.local import ports
from infra.local.ports import Ports, read_ports
from tests.tables import each

_NAMES, _NO_PORTS = ("PORT", "IDENTITY_PORT", "SMTP_PORT"), ("abc", "0", "-1", "65536", "80000", "8o", "\u0668")
#: Settings, and a part of the refusal.
REFUSED = [
    *(
        ({name: text}, f"{name} must be a number from 1 to 65535, but it is '{text}'")
        for name in _NAMES
        for text in _NO_PORTS
    ),
    ({"PORT": "9000", "IDENTITY_PORT": "9000"}, "PORT and IDENTITY_PORT are both 9000: set IDENTITY_PORT to"),
    ({"PORT": "2525", "SMTP_PORT": "2525"}, "PORT and SMTP_PORT are both 2525"),
    ({"IDENTITY_PORT": "9000", "SMTP_PORT": "9000"}, "IDENTITY_PORT and SMTP_PORT are both 9000"),
    ({"PORT": "9000", "SMTP_PORT": "9001"}, "IDENTITY_PORT and SMTP_PORT are both 9001"),
    ({"PORT": "65535"}, "set it too"),
]


@each("environ, told", REFUSED)
def test_odd_ports_are_refused_in_one_line(environ: dict[str, str], told: str) -> None:
    with pytest.raises(SystemExit) as refusal:
        read_ports(environ)
    assert told in str(refusal.value.code)
    assert "\n" not in str(refusal.value.code)


@each(
    "environ, expected",
    [
        ({}, Ports(8080, 8081, None)),
        ({"PORT": "", "SMTP_PORT": ""}, Ports(8080, 8081, None)),
        ({"PORT": "9000"}, Ports(9000, 9001, None)),
        ({"PORT": "65535", "IDENTITY_PORT": "1", "SMTP_PORT": "2"}, Ports(65_535, 1, 2)),
    ],
)
def test_ports_have_defaults(environ: dict[str, str], expected: Ports) -> None:
    assert read_ports(environ) == expected


@pytest.fixture
def used() -> Iterator[int]:
    """A port that another program uses."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_used_port_is_refused_with_its_setting(used: int) -> None:
    for use in (ports.require_free, ports.listen):
        with pytest.raises(SystemExit, match=f"Another program uses port {used}: .*IDENTITY_PORT=<another port>"):
            use(used, "IDENTITY_PORT")


def test_a_port_for_administrators_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(_: socket.socket, _address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ports.socket, "socket", type("Socket", (socket.socket,), {"bind": bind}))
    with pytest.raises(SystemExit, match="Only an administrator may use port 22: set PORT to a port above 1023"):
        ports.require_free(22, "PORT")


def test_mail_takes_a_free_port_unless_a_port_was_chosen(monkeypatch: pytest.MonkeyPatch, used: int) -> None:
    monkeypatch.setattr(ports, "_MAIL_DEFAULT", used)
    for chosen in (Ports(8080, 8081, None), Ports(used, 8081, None)):
        with ports.listen_for_mail(chosen) as listener:
            assert listener.getsockname()[1] not in (0, used)
    with pytest.raises(SystemExit, match="SMTP_PORT=<another port>"):
        ports.listen_for_mail(Ports(8080, 8081, used))
