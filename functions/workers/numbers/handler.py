"""Background work for numbers: their settings at the provider, purchases without an answer, rent, and their release."""

from __future__ import annotations

from switchboard import workers
from switchboard.billing import number_release
from switchboard.billing.jobs import ReleaseNumbers
from switchboard.flows import assignments
from switchboard.numbers import configuration, rent
from switchboard.numbers.jobs import ChargeRent, ConfigureNumber, SettlePurchase

handler = workers.job_handler(
    {
        ChargeRent: lambda job: rent.charge_rent(job.org_id, job.number_id, job.month),
        ConfigureNumber: lambda job: configuration.configure_number(job.org_id, job.number_id),
        ReleaseNumbers: number_release.release_numbers,
        SettlePurchase: lambda job: assignments.settle_purchase(job.org_id, job.purchase_id),
    }
)
