"""The portal: the home page, the documentation and the pages of the console."""

from __future__ import annotations

# Each module adds its routes to the portal's `Api`.
from functions.portal import console, errors, guides, home, reference, signing, widget
from functions.portal.site import api

__all__ = ["api", "console", "errors", "guides", "handler", "home", "reference", "signing", "widget"]

handler = api.handler
