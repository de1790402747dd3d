"""The page where a recipient stops mail. It needs no script, and shows no text of senders or recipients."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


def render_question() -> Response[str]:
    """Returns the page that asks for a confirmation."""
    return _page(
        "Stop these emails?",
        "<p>You will not get more emails from the sender of the message that brought you here.</p>"
        '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
        '<button type="submit">Stop these emails</button></form>',
    )


def render_confirmation() -> Response[str]:
    """Returns the page that confirms the end of mail."""
    return _page("You will not get more emails", "<p>The sender of that message can no longer send you emails.</p>")


def _page(title: str, content: str) -> Response[str]:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title></head><body><h1>{title}</h1>{content}</body></html>"
    )
    return Response(200, "text/html; charset=utf-8", html, _HEADERS)
