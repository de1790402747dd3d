"""The local stack's setting, a network, and certificates of a test authority."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.outbound.server import Network


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local stack, which may send to this machine."""
    monkeypatch.setenv("SWITCHBOARD_STAGE", "local")
    monkeypatch.setenv("SWITCHBOARD_OUTBOUND_LOOPBACK", "on")
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """A network of a deployment, where this machine is not a destination."""
    monkeypatch.setenv("SWITCHBOARD_STAGE", "prod")
    monkeypatch.delenv("SWITCHBOARD_OUTBOUND_LOOPBACK", raising=False)
    return Network(monkeypatch)


def run_scenario(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario with a timeout."""

    async def bounded() -> None:
        async with asyncio.timeout(10):
            await scenario()

    asyncio.run(bounded())


@dataclass(frozen=True)
class Authority:
    """Issues certificates; `trusting` is the client's side."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.certificate.public_bytes(serialization.Encoding.PEM).decode())

    def server(self, name: str, *, days: int = 1, own: bool = False) -> ssl.SSLContext:
        """The server's side: a certificate for a name, valid for a number of days; `own` means self-signed."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, key, None if own else self, timedelta(days=days))
        path = self.folder / f"{name}-{days}-{own}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + made.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: Authority | None, length: timedelta
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    first, last = sorted((now - timedelta(hours=1), now + length))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first - timedelta(days=2))
        .not_valid_after(last)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:
        of = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(of, critical=False)
    return builder.sign(issuer.key if issuer else key, hashes.SHA256())


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that the machine does not trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = _certificate("authority.example", key, None, timedelta(days=1))
    return Authority(tmp_path_factory.mktemp("certificates"), key, made)
