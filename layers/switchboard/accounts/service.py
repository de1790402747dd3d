"""Rules of organizations and keys."""

from __future__ import annotations
