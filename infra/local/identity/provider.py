"""The OpenID provider of the local stack. Its protocol is real, but it believes everything that people type.

It stores nothing on disk. Its keys are new at each start, and the address alone identifies a person.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import threading
from secrets import token_urlsafe
from urllib.parse import parse_qsl

import uvicorn
from authlib.oauth2 import OAuth2Error
from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from infra.local.identity import pages
from infra.local.identity.protocol import Answer, Client, Person, Provider, Request, select_claims

_SESSION_SECONDS = 12 * 3_600
_LARGEST_FORM_BYTES = 16_384
#: The console is on the same host, and cookies ignore ports: this name must differ from the console's.
_COOKIE = "identity_session"
_ADDRESS = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_UNREADABLE = "This is not an email address. Enter an address like you@example.com."


class Pages:
    """The pages and endpoints of a provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        #: The signed-in people by their cookie, and by their id.
        self._sessions: dict[str, Person] = {}
        self._people: dict[str, Person] = {}

    def make_app(self) -> Starlette:
        """The provider as an ASGI app."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.show_discovery),
                Route("/jwks", self.show_keys),
                Route("/auth", self.authorize, methods=["GET", "POST"]),
                Route("/token", self.redeem_code, methods=["POST"]),
                Route("/me", self.show_claims, methods=["GET", "POST"]),
                Route("/session/end", self.sign_out, methods=["GET", "POST"]),
                Route("/pictures/{subject}.svg", self.show_picture),
                Route("/", self.show_home),
            ]
        )

    async def show_discovery(self, _request: WebRequest) -> Response:
        return JSONResponse(self._provider.describe())

    async def show_keys(self, _request: WebRequest) -> Response:
        return JSONResponse(self._provider.public_keys())

    async def show_home(self, _request: WebRequest) -> Response:
        home = self._provider.client.redirect_uri.removesuffix("/auth/callback")
        return _page("The local OpenID provider", f"People sign in here. The console sends them: start at {home}.")

    async def authorize(self, request: WebRequest) -> Response:
        """Send the browser back with a code, after the sign-in page unless the person is signed in."""
        asked = Request(request.method, str(request.url), request.headers, dict(request.query_params))
        try:
            grant = self._provider.get_consent_grant(asked, end_user=None)
        except OAuth2Error as error:
            return _page("That did not work", f"{error.error}: {error.description or 'start again'}", 400)
        person = self._sessions.get(request.cookies.get(_COOKIE, ""))
        session = None
        if request.method == "POST":
            form = await _read_form(request)
            person = self._recognize(form)
            if person is None:
                unverified = "unverified" in form
                page = pages.sign_in_page(
                    form.get("email", ""), form.get("name", ""), unverified=unverified, fault=_UNREADABLE
                )
                return _html(page, 400)
            session = token_urlsafe(32)
            self._sessions[session] = self._people[person.sub] = person
        elif person is None or "login" in asked.payload.data.get("prompt", "").split():
            return _html(pages.sign_in_page())
        answer = _respond(self._provider.create_authorization_response(asked, grant_user=person, grant=grant))
        if session:
            answer.set_cookie(_COOKIE, session, max_age=_SESSION_SECONDS, httponly=True, samesite="lax")
        return answer

    def _recognize(self, form: dict[str, str]) -> Person | None:
        """The person of a form, `None` if its address is none. The same address is the same person, always."""
        email = form.get("email", "").strip()
        if not _ADDRESS.fullmatch(email):
            return None
        subject = hashlib.sha256(email.lower().encode()).hexdigest()[:32]
        # Without a name there is no claim, and the console keeps the name that it knows.
        name = form.get("name", "").strip() or None
        picture = f"{self._provider.issuer}/pictures/{subject}.svg"
        return Person(subject, email, "unverified" not in form, name, picture)

    async def redeem_code(self, request: WebRequest) -> Response:
        asked = Request(request.method, str(request.url), request.headers, await _read_form(request))
        return _respond(self._provider.create_token_response(asked))

    async def show_claims(self, request: WebRequest) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if person := self._provider.find_person(token):
            return JSONResponse(select_claims(person, "email profile"))
        return JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": 'Bearer error="invalid_token"'})

    async def sign_out(self, request: WebRequest) -> Response:
        """Forget the browser's session. A person gets here by signing out in the console, and is not asked again."""
        parameters = dict(request.query_params) | (await _read_form(request) if request.method == "POST" else {})
        asked = Request(request.method, str(request.url), request.headers, parameters)
        self._sessions.pop(request.cookies.get(_COOKIE, ""), None)
        found = self._provider.create_endpoint_response("end_session", asked)
        answer = _respond(found) if found else _page("You are signed out", "This window can be closed.")
        answer.delete_cookie(_COOKIE)
        return answer

    async def show_picture(self, request: WebRequest) -> Response:
        person = self._people.get(request.path_params["subject"])
        picture = (
            pages.draw_picture(person.sub, person.name or person.email) if person else pages.draw_picture("0000", "?")
        )
        return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "no-store"})


def _respond(answer: Answer) -> Response:
    headers = dict(answer.headers)
    if location := headers.get("Location"):
        return RedirectResponse(location, status_code=303)
    return JSONResponse(answer.body, answer.status, headers)


def _html(page: str, status: int = 200) -> Response:
    return HTMLResponse(page, status, {"Cache-Control": "no-store"})


def _page(title: str, text: str, status: int = 200) -> Response:
    return _html(pages.message_page(title, text), status)


async def _read_form(request: WebRequest) -> dict[str, str]:
    text = b""
    async for part in request.stream():
        text += part
        if len(text) > _LARGEST_FORM_BYTES:
            return {}
    return dict(parse_qsl(text.decode(errors="replace"), keep_blank_values=True))


def _stop_with_the_stack(server: uvicorn.Server) -> None:
    """Standard input is a pipe from the stack: it closes when the stack ends in any way."""
    while os.read(0, 1024):
        pass
    server.should_exit = True


def main() -> None:
    """Serve until SIGTERM, or until the stack has ended."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    port, console = int(os.environ["PORT"]), os.environ["CONSOLE_URL"]
    client = Client(os.environ["CLIENT_ID"], f"{console}/auth/callback", f"{console}{os.environ['SIGNED_OUT_PATH']}")
    app = Pages(Provider(f"http://localhost:{port}", client)).make_app()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_stop_with_the_stack, args=(server,), daemon=True).start()
    server.run()


if __name__ == "__main__":
    main()
