"""An agent."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class Agent(BaseModel):
    """An identity of an organization. `address` is its inbox, `slug` the local part of that address."""

    id: str
    org_id: str
    name: str
    slug: str
    address: str
    status: str = "active"
    key_prefix: str | None = None
    #: The caller's number of its calls.
    phone_number: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    created_at: str
    updated_at: str
