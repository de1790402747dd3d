"""The pace of an organization's first attempts at one host, over all of its webhooks there.

Each endpoint has slots and a breaker of its own. They do not see that several endpoints send to one server, which may
belong to somebody else. A worker counts by itself what it sends in a minute, without a write. Only a worker that sends
much counts in the table, with one write unit for each batch of an endpoint. So the exact limit of a minute is
`MAX_PER_MINUTE`, and `FREE_OF_WORKER` for each worker process.

| item | table | pk | sk |
|---|---|---|---|
| first attempts at a host in a minute | `core` | `<org>#webhook-hosts` | `<digest of the host>#<minute>` |

An attempt above the limit comes later. It is not a failure, and counts as none.
"""

from __future__ import annotations

from datetime import timedelta

from switchboard.aws.writes import ConditionFailedError, Update, room_condition, write_item
from switchboard.kit import chance, clock
from switchboard.webhooks.host_limits import digest_of_host, host_partition
from switchboard.webhooks.jobs import DeliverWebhook

#: The first attempts in a minute: of all workers together, and those that each worker does not count in the table.
MAX_PER_MINUTE, FREE_OF_WORKER = 3_000, 300
#: How long an attempt is put off, and when it is put off no more. A message may pass through one worker only a few
#: times: Lambda stops a function that invokes itself sixteen times.
_SHORTEST_DELAY_SECONDS, _SPREAD_SECONDS = 120, 120
_LONGEST_WAIT = timedelta(minutes=20)
_MINUTE, _KEPT_SECONDS = 60, 3_600
#: The hosts that a worker remembers. It forgets all of them above this number.
_MAX_HOSTS = 1_000

#: The first attempts of this worker by organization and host: the minute, and their number.
_sent: dict[tuple[str, str], tuple[int, int]] = {}


def find_delay_seconds(org_id: str, url: str, number: int) -> int:
    """Counts first attempts at a host. Returns 0 if they may be sent now, or how long to put them off."""
    host, minute = digest_of_host(url), int(clock.epoch()) // _MINUTE
    before = _sent.get((org_id, host), (minute, 0))
    own = number + (before[1] if before[0] == minute else 0)
    if len(_sent) >= _MAX_HOSTS:
        _sent.clear()
    _sent[(org_id, host)] = minute, own
    if own <= FREE_OF_WORKER:
        return 0
    try:
        write_item(_count_write(org_id, host, minute, number))
    except ConditionFailedError:
        return _SHORTEST_DELAY_SECONDS + chance.below(_SPREAD_SECONDS)
    return 0


def may_be_put_off(job: DeliverWebhook) -> bool:
    """Whether a job is a first attempt that has not waited for long. Further attempts have their own schedule."""
    if job.made is None or job.made_at is None:
        return False
    return clock.now() - clock.parse(job.made_at) < _LONGEST_WAIT


def forget_hosts() -> None:
    """Forgets what this worker has sent, for tests."""
    _sent.clear()


def _count_write(org_id: str, host: str, minute: int, number: int) -> Update:
    room = MAX_PER_MINUTE - number
    return Update(
        table="core",
        key={"pk": host_partition(org_id), "sk": f"{host}#{minute}"},
        expression="ADD #count :number SET expires = :expires",
        names={"#count": "count"},
        values={":number": number, ":room": room, ":expires": (minute * _MINUTE) + _KEPT_SECONDS},
        condition=room_condition("#count", ":room", room),
    )
