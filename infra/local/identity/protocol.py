"""The protocol of the local provider: OpenID Connect by Authlib, with the authorization code flow and PKCE.

Its only client is the console of the same stack, so nobody is asked for consent. It stores nothing on disk.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.rpinitiated import EndSessionEndpoint, EndSessionRequest
from joserfc.jwk import ECKey, KeySet

ALGORITHM = "ES256"
SCOPES = ("openid", "email", "profile")
_CODE_SECONDS, TOKEN_SECONDS = 60, 3_600


@dataclass(frozen=True)
class Person:
    """A person who has signed in since the start."""

    sub: str
    email: str
    email_verified: bool
    name: str | None
    picture: str


@dataclass(frozen=True)
class Answer:
    """A response of the protocol. A dictionary is a JSON body."""

    status: int
    body: Any
    headers: list[tuple[str, str]]


@dataclass(frozen=True)
class Code:
    """An authorization code, for one use within a minute."""

    code: str
    person: Person
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    issued_at: float = field(default_factory=time.time)

    def get_redirect_uri(self) -> str:  # Authlib's names
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return int(self.issued_at)

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A request to an endpoint: its parameters come from the query or the form."""

    def __init__(self, method: str, uri: str, headers: Mapping[str, str], parameters: dict[str, str]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = BasicOAuth2Payload(parameters)

    @property
    def args(self) -> Mapping[str, str]:
        return self.payload.data  # type: ignore[no-any-return]

    @property
    def form(self) -> Mapping[str, str]:
        return self.payload.data  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """The console: a public client."""

    client_id: str
    redirect_uri: str
    signed_out_uri: str

    @property
    def client_metadata(self) -> dict[str, list[str]]:
        return {"post_logout_redirect_uris": [self.signed_out_uri]}

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(one for one in scope.split() if one in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 Authlib's signature
        return method == "none"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


class Provider(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """The protocol's server. Its keys are new at each start."""

    def __init__(self, issuer: str, client: Client) -> None:
        super().__init__(scopes_supported=list(SCOPES))
        self.issuer, self.client = issuer, client
        self.key = ECKey.generate_key("P-256", auto_kid=True)
        self.codes: dict[str, Code] = {}
        self.tokens: dict[str, tuple[Person, float]] = {}
        self.register_token_generator(
            "default", BearerTokenGenerator(lambda *_, **__: token_urlsafe(32), expires_generator=TOKEN_SECONDS)
        )
        self.register_grant(_CodeGrant, [_IdToken(self), _Pkce(required=True)])
        self.register_endpoint(_EndSession(self))

    def query_client(self, client_id: str) -> Client | None:
        return self.client if client_id == self.client.client_id else None

    def save_token(self, token: dict[str, Any], request: Request) -> None:
        now = time.time()
        self.tokens = {text: one for text, one in self.tokens.items() if one[1] > now}
        self.tokens[token["access_token"]] = (request.user, now + TOKEN_SECONDS)

    def find_person(self, access_token: str) -> Person | None:
        """The person of an access token, `None` if it is unknown or has expired."""
        person, until = self.tokens.get(access_token, (None, 0.0))
        return person if until > time.time() else None

    def create_oauth2_request(self, request: Request) -> Request:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        return Answer(status, body, headers)

    def send_signal(self, *_: Any, **__: Any) -> None:
        """Nobody listens."""

    def describe(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery, 4)."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/me",
            "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/session/end",
            "scopes_supported": list(SCOPES),
            "claims_supported": ["sub", "email", "email_verified", "name", "picture"],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
        }

    def public_keys(self) -> dict[str, Any]:
        """The keys of the id tokens' signatures."""
        return {"keys": [{**self.key.as_dict(private=False), "use": "sig", "alg": ALGORITHM}]}


def select_claims(person: Person, scope: str) -> dict[str, Any]:
    """The claims that a scope permits."""
    claims: dict[str, Any] = {"sub": person.sub}
    if "email" in scope.split():
        claims |= {"email": person.email, "email_verified": person.email_verified}
    if "profile" in scope.split():
        claims |= {"picture": person.picture} | ({"name": person.name} if person.name else {})
    return claims


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = ("none",)

    def save_authorization_code(self, code: str, request: Request) -> None:
        asked = request.payload.data
        self.server.codes[code] = Code(
            code=code,
            person=request.user,
            redirect_uri=asked["redirect_uri"],
            scope=request.client.get_allowed_scope(asked.get("scope", "")),
            nonce=asked.get("nonce"),
            code_challenge=asked.get("code_challenge"),
            code_challenge_method=asked.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, _client: Client) -> Code | None:
        # A code is taken even if the request fails afterwards: nobody can guess its verifier by trying.
        found = self.server.codes.pop(code, None)
        return found if found and found.issued_at + _CODE_SECONDS > time.time() else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It is gone already."""

    def authenticate_user(self, authorization_code: Code) -> Person:
        return authorization_code.person


class _Pkce(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)


class _IdToken(OpenIDCode):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, provider: Provider) -> None:
        super().__init__(require_nonce=False)
        self._provider = provider

    def exists_nonce(self, _nonce: str, _request: Request) -> bool:
        return False  # the console checks it

    def resolve_client_private_key(self, _client: Client) -> KeySet:
        return KeySet([self._provider.key])

    def get_client_algorithm(self, _client: Client) -> str:
        return ALGORITHM

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self._provider.issuer, "aud": client.client_id, "iat": now, "exp": now + TOKEN_SECONDS}

    def generate_user_info(self, user: Person, scope: str) -> dict[str, Any]:
        # The claims of a scope are in the id token, as with Cognito.
        return select_claims(user, scope)


class _EndSession(EndSessionEndpoint):  # type: ignore[misc]  # Authlib has no types
    def is_post_logout_redirect_uri_legitimate(self, *_: Any) -> bool:
        return True  # it belongs to the only client, and the person has chosen to sign out there

    def get_server_jwks(self) -> KeySet:
        return KeySet([self.server.key])

    def end_session(self, end_session_request: EndSessionRequest) -> None:
        """The cookie is deleted with the response."""
