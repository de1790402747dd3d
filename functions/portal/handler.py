"""The portal: the home page, the documentation and the pages of the console."""

from __future__ import annotations

# Each module adds its routes to the portal's `Api`.
from functions.portal import home, reference, widget
from functions.portal.site import api

__all__ = ["api", "handler", "home", "reference", "widget"]

handler = api.handler
