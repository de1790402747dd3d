"""An OpenID Connect issuer with real keys, which can be told to fail in many ways."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter

from switchboard.kit import clock

CLIENT_ID = "console"
DISCOVERY, KEYS, TOKEN, USERINFO = "/.well-known/openid-configuration", "/keys", "/token", "/userinfo"


def get_key(algorithm: str, kid: str = "") -> Key:
    """Returns a key for an algorithm: the same key for the same arguments."""
    return _generate_key(algorithm, kid or f"key-{algorithm}")


@cache
def _generate_key(algorithm: str, kid: str) -> Key:
    parameters: Any = {"kid": kid, "use": "sig"}
    match algorithm:
        case "ES256":
            return ECKey.generate_key("P-256", parameters)
        case "EdDSA" | "Ed25519":
            return OKPKey.generate_key("Ed25519", parameters)
        case _:
            return RSAKey.generate_key(2048, parameters)


@dataclass
class IssuerRequest:
    """A request that the issuer received."""

    path: str
    authorization: str | None
    form: dict[str, str]


@dataclass
class Answer:
    """The issuer's answer for a path."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    #: An event that the issuer waits for halfway through the body.
    hold: threading.Event | None = None

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Issuer:
    """The issuer's endpoints, and its claims about the person who signs in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[IssuerRequest] = []
        self.keys: list[Key] = [get_key("ES256")]
        self.document: dict[str, Any] = {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}{TOKEN}",
            "jwks_uri": f"{url}{KEYS}",
        }
        self.answers: dict[str, Answer | Callable[[], Answer]] = {
            DISCOVERY: lambda: Answer(self.document),
            KEYS: lambda: Answer({"keys": [one.as_dict(private=False) for one in self.keys]}),
        }

    def issue(self, token: str) -> None:
        """Answer the next codes with an id token."""
        self.answers[TOKEN] = Answer({"access_token": "at-1", "token_type": "Bearer", "id_token": token})

    def offer_userinfo(self, **claims: Any) -> None:
        """Add a userinfo endpoint that returns these claims."""
        self.document["userinfo_endpoint"] = f"{self.url}{USERINFO}"
        self.answers[USERINFO] = Answer(claims)

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Returns the claims of a valid token with the changes. `None` removes a claim."""
        now = int(clock.epoch())
        good: dict[str, Any] = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "sub": "person-1",
            "iat": now,
            "exp": now + 300,
            "nonce": "nonce-1",
            "email": "ada@example.com",
            "email_verified": True,
            "name": "Ada Lovelace",
        }
        return {name: value for name, value in (good | changed).items() if value is not None}

    def token(
        self, algorithm: str = "ES256", kid: str = "", *, header: dict[str, Any] | None = None, **changed: Any
    ) -> str:
        """Returns an id token, signed with the key for an algorithm. `None` removes a field of the header, too."""
        signer = get_key(algorithm, kid)
        full = {"alg": algorithm, "kid": signer.kid} | (header or {})
        registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        if "crit" in full:
            registry.header_registry["org.example"] = HeaderParameter("known to the issuer", "int")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.encode(
                {name: value for name, value in full.items() if value is not None},
                self.claims(**changed),
                signer,
                registry=registry,
            )

    def count(self, path: str) -> int:
        """Returns how often a path was requested."""
        return sum(one.path == path for one in self.asked)


def forge_token(claims: dict[str, Any], secret: bytes | None, **header: Any) -> str:
    """Returns a token that no library creates: signed with a secret by HMAC, or not signed."""
    signed = ".".join(map(_encode, (json.dumps(header).encode(), json.dumps(claims).encode())))
    return f"{signed}.{_encode(hmac.digest(secret, signed.encode(), 'sha256')) if secret else ''}"


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@contextmanager
def run_issuer() -> Iterator[Issuer]:
    """Run an issuer on a local port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: value for name, (value,) in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            path = urlsplit(self.path).path
            issuer.asked.append(IssuerRequest(path, self.headers.get("Authorization"), form))
            found = issuer.answers.get(path, Answer({"error": "not_found"}, 404))
            answer = found() if callable(found) else found
            self.send_response(answer.status)
            for name, value in ({"Content-Length": str(len(answer.content))} | answer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content[:1])
            if answer.hold:
                answer.hold.wait(10)
            self.wfile.write(answer.content[1:])

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Ignore clients that hang up: some tests do so."""

    with Server(("127.0.0.1", 0), Handler) as server:
        issuer = Issuer(f"http://localhost:{server.server_port}")
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield issuer
        server.shutdown()
