"""`/docs` and `/openapi/*.json`."""

from __future__ import annotations

from switchboard.edge.api import Api
from switchboard.edge.dialects.hum import Hum

api = Api(Hum(), "portal")
handler = api.handler
