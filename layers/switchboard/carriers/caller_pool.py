"""The platform's own telephone numbers, which tenants share as caller IDs. The setting CALLER_POOL names them."""

from __future__ import annotations

from switchboard.kit import settings

#: A caller ID that belongs to nobody, for a stack that calls nobody.
TEST_CALLER = "+15005550006"


def list_pool_numbers() -> list[str]:
    """Returns the numbers in E.164. Without the setting this is the number that belongs to nobody."""
    return settings.text("CALLER_POOL", TEST_CALLER).split(",")
