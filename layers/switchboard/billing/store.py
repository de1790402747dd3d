"""Billing in the `core` table.

| item | pk | sk |
|---|---|---|
| billing account | `<org>#billing` | `account` |
| look-up of a customer | `payment-customer#<customer>` | `customer` |
| applied notification | `<org>#payment-events` | `<id>` |
| reported use of a day and a meter | `<org>#use-reports` | `<day>#<meter>`, for other use `<day>#<meter>#<kind>` |

The look-up holds a pointer only. Applied notifications have `expires`, in seconds since 1970.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from switchboard.aws import reads
from switchboard.aws.dynamodb import Item, Key
from switchboard.aws.reads import Query, Ref
from switchboard.aws.writes import Put, Update
from switchboard.billing.models import BillingAccount, UseReport
from switchboard.kit import clock
from switchboard.persistence.collection import Collection
from switchboard.persistence.optimistic import AlreadyRecordedError, StaleVersionError

#: The id of the one account of an organization.
ACCOUNT = "account"
#: How long an applied notification is remembered. The provider repeats one for three days, and people can resend one
#: for thirty.
EVENT_LIFETIME = timedelta(days=35)

ACCOUNTS = Collection("core", BillingAccount, lambda org_id, id_: {"pk": f"{org_id}#billing", "sk": id_})


def account_ref(org_id: str) -> Ref[BillingAccount]:
    """Returns the reference to an organization's billing account."""
    return Ref("core", ACCOUNTS.key(org_id, ACCOUNT), ACCOUNTS.from_item)


def get_account(org_id: str) -> BillingAccount | None:
    return reads.read_ref(account_ref(org_id))


def account_write(account: BillingAccount) -> Put:
    """Returns the write of the next version of an account. Raises StaleVersionError at commit."""
    if account.version > 1:
        return ACCOUNTS.save_write(account)
    return Put(table="core", item=ACCOUNTS.to_item(account), unless_exists=True, otherwise=StaleVersionError)


def customer_write(account: BillingAccount) -> Put:
    """Returns the write of a customer's look-up item."""
    return Put(table="core", item={**_customer_key(account.customer_id or ""), "org_id": account.org_id})


def find_organization(customer_id: str) -> str | None:
    """Returns the organization of a customer, `None` for a customer of somebody else."""
    item = reads.get_item("core", _customer_key(customer_id))
    return str(item["org_id"]) if item else None


def _customer_key(customer_id: str) -> Key:
    return {"pk": f"payment-customer#{customer_id}", "sk": "customer"}


def event_mark_write(org_id: str, event_id: str) -> Put:
    """Returns the write that remembers a notification. Raises AlreadyRecordedError at commit for an applied one."""
    return Put(
        table="core",
        item={**_event_key(org_id, event_id), "expires": int((clock.now() + EVENT_LIFETIME).timestamp())},
        unless_exists=True,
        otherwise=AlreadyRecordedError,
    )


def is_event_applied(org_id: str, event_id: str) -> bool:
    """Whether a notification was applied."""
    return reads.get_item("core", _event_key(org_id, event_id)) is not None


def _event_key(org_id: str, event_id: str) -> Key:
    return {"pk": f"{org_id}#payment-events", "sk": event_id}


def list_use_reports(org_id: str, month: str) -> list[UseReport]:
    """Returns the reports of a month (`YYYY-MM`), oldest first."""
    query = Query(table="core", partition=_reports_partition(org_id), begins=month)
    return [UseReport.model_validate(item) for item in query.read_all()]


def use_report_write(report: UseReport) -> Put:
    """Returns the write of a new report. Raises StaleVersionError at commit if the day's report exists."""
    item: Item = {**_report_key(report), **report.model_dump()}
    return Put(table="core", item=item, unless_exists=True, otherwise=StaleVersionError)


def use_state_write(report: UseReport, state: str) -> Update:
    """Returns the write that moves a report on from the state that was read.

    Raises AlreadyRecordedError at commit for a report that has moved.
    """
    change = Update.set_attributes("core", _report_key(report), {"state": state})
    return replace(
        change,
        condition="#state = :before",
        values={**change.values, ":before": report.state},
        otherwise=AlreadyRecordedError,
    )


def _report_key(report: UseReport) -> Key:
    parts = [report.day, report.meter, *([] if report.kind == "use" else [report.kind])]
    return {"pk": _reports_partition(report.org_id), "sk": "#".join(parts)}


def _reports_partition(org_id: str) -> str:
    return f"{org_id}#use-reports"
