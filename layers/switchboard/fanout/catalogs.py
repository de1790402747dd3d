"""The catalogs of events of all kinds of webhooks."""

from __future__ import annotations

from collections.abc import Callable

from switchboard.dialects.anima import webhook_catalog as anima
from switchboard.dialects.athos import webhook_catalog as athos
from switchboard.dialects.hum import webhook_catalog as hum
from switchboard.dialects.opticomm import webhook_catalog as opticomm
from switchboard.webhooks.catalog import EventCatalog
from switchboard.webhooks.models import KindName

#: One row for each kind. A test finds a kind without a row.
CATALOGS: dict[KindName, Callable[[], EventCatalog]] = {
    "hum": hum.catalog,
    "anima": anima.catalog,
    "opticomm": opticomm.catalog,
    "athos": athos.catalog,
}
