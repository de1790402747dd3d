"""How much the tests try."""

from __future__ import annotations

import os

#: Whether to try every example and every variation (`make thorough`). `make test` tries fewer of the same.
THOROUGH = os.environ.get("TESTS") == "thorough"
