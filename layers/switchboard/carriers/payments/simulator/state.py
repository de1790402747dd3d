"""The items of the simulated provider of payments.

| item | table | pk | sk |
|---|---|---|---|
| a customer with everything that belongs to it | `core` | `<org>#simulated-payments` | `<id>` |
"""

from __future__ import annotations

from switchboard.carriers.payments.simulator.models import SimulatedAccount
from switchboard.persistence.collection import Collection

ACCOUNT = "account"
ACCOUNTS = Collection("core", SimulatedAccount, lambda org_id, id_: {"pk": f"{org_id}#simulated-payments", "sk": id_})
