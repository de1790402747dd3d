"""Background work for payments: notifications, unpaid subscriptions, and reports of use. It also is the simulator.

In a deployment without a domain this process receives the simulator's notifications itself.
"""

from __future__ import annotations

from switchboard import workers
from switchboard.billing import daily, notifications, subscriptions
from switchboard.billing.jobs import ApplyPaymentEvent, CheckPayment, RebalanceUsage, ReportUse
from switchboard.carriers.payments.simulator.events import post_event
from switchboard.usage import service as usage

handler = workers.job_handler(
    {
        ApplyPaymentEvent: subscriptions.apply_payment_event,
        CheckPayment: lambda job: subscriptions.check_payment(job.org_id),
        ReportUse: daily.run_daily,
        RebalanceUsage: lambda job: usage.rebalance(job.org_id),
    },
    messages=lambda body: post_event(body, notifications.receive_directly),
)
