"""DynamoDB for the stores: reads, single writes, and `commit`, which makes several writes in one transaction."""

from __future__ import annotations
