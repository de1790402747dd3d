"""What the local stack keeps in files of its own, and what it tells of."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError

from infra import resources, topology
from infra.local import aws, files, provision, readiness
from infra.local.checkpoint import Checkpoint
from infra.local.faults import FaultLog
from infra.local.pool import Pool
from tests import moto_cloud


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folder" / "keys"
    files.write(path, "old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert path.stat().st_mode & 0o777 == 0o600
    files.write(path, "new")
    assert path.read_text() == "new"


def test_a_stream_goes_on_after_what_was_handed_on(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "handed_on.json")
    assert checkpoint.place("stream", "shard") is None
    checkpoint.move("stream", "shard", "17")
    again = Checkpoint(tmp_path / "handed_on.json")
    assert again.place("stream", "shard") == "17"
    assert again.place("another", "shard") is None
    again.forget()
    assert Checkpoint(tmp_path / "handed_on.json").place("stream", "shard") is None


def test_a_damaged_checkpoint_means_from_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "handed_on.json").write_text('{"stream sha')
    assert Checkpoint(tmp_path / "handed_on.json").place("stream", "shard") is None


def test_a_killed_stack_does_not_count_as_ready(tmp_path: Path) -> None:
    assert not readiness.is_ready(tmp_path)
    (tmp_path / "ready").write_text(f"{os.getpid()}\n")
    assert readiness.is_ready(tmp_path)
    (tmp_path / "ready").write_text("4194305\n")  # beyond the largest process number of Linux
    assert not readiness.is_ready(tmp_path)


def test_an_engine_that_is_away_is_told_of_once_in_a_minute_for_all_pumps(caplog: pytest.LogCaptureFixture) -> None:
    moment = 0.0
    faults = FaultLog(lambda: moment)
    with caplog.at_level(logging.WARNING):
        for second in range(60):
            moment = second
            for name in ("workers/email", "workers/dialer", "workers/webhooks"):
                pause = faults.note(name, EndpointConnectionError(endpoint_url="http://127.0.0.1:1"))
    assert len(caplog.records) == 1
    assert pause == 2


def test_the_same_fault_of_a_function_is_told_of_once_in_a_minute_with_its_number(
    caplog: pytest.LogCaptureFixture,
) -> None:
    moment = 0.0
    faults = FaultLog(lambda: moment)
    with caplog.at_level(logging.WARNING):
        for second in range(90):
            moment = second
            faults.note("workers/email", ValueError("odd"))
            faults.note("workers/email", BrokenProcessPool())
    assert [record.message for record in caplog.records] == [
        "workers/email: ValueError: odd",
        "workers/email: ValueError: odd (59 more of this kind since the last line)",
    ]


def test_the_root_secret_outlives_an_engine_that_forgot_it(tmp_path: Path) -> None:
    memory = tmp_path / "root_secret"
    with moto_cloud.use_moto():
        provision.provision(moto_cloud.ENVIRON, memory)
        first = _secret()
        assert memory.read_text() == first
    with moto_cloud.use_moto():
        provision.provision(moto_cloud.ENVIRON, memory)
        assert _secret() == first
    assert memory.stat().st_mode & 0o777 == 0o600


def test_the_root_secret_of_a_stack_without_a_file_is_kept(tmp_path: Path) -> None:
    with moto_cloud.use_moto():
        provision.provision(moto_cloud.ENVIRON)
        first = _secret()
        provision.provision(moto_cloud.ENVIRON, tmp_path / "root_secret")
        assert (tmp_path / "root_secret").read_text() == first == _secret()


def _secret() -> str:
    client = aws.engine_client(moto_cloud.ENVIRON, "secretsmanager")
    return str(client.get_secret_value(SecretId=provision.ROOT_SECRET)["SecretString"])


def test_queues_and_tables_of_an_earlier_start_take_up_what_the_topology_says_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with moto_cloud.use_moto():
        provision.provision(moto_cloud.ENVIRON)
        slower = tuple(
            resources.Queue(queue.name, queue.fifo, queue.visibility_seconds + 17, queue.max_receives)
            for queue in topology.QUEUES
        )
        expiring = resources.Table("core", indexes=("gsi1",), ttl="expires")
        monkeypatch.setattr(topology, "QUEUES", slower)
        monkeypatch.setattr(topology, "TABLES", (expiring, *topology.TABLES[1:]))
        found = provision.provision(moto_cloud.ENVIRON)
        sqs, dynamodb = (aws.engine_client(moto_cloud.ENVIRON, service) for service in ("sqs", "dynamodb"))
        attributes = sqs.get_queue_attributes(QueueUrl=found["SWITCHBOARD_QUEUE_EMAIL"], AttributeNames=["All"])
        assert attributes["Attributes"]["VisibilityTimeout"] == str(topology.queue("email").visibility_seconds)
        described = dynamodb.describe_time_to_live(TableName=found["SWITCHBOARD_TABLE_CORE"])
        assert described["TimeToLiveDescription"]["AttributeName"] == "expires"


def test_a_process_that_died_idle_is_replaced_and_the_next_request_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scene() -> None:
        pool = Pool(1, {}, tmp_path / "functions.log", name="test")
        await pool.ready()
        executor = pool._slots[0]
        (pid,) = executor._processes
        watching = asyncio.create_task(pool.watch())
        os.kill(pid, signal.SIGKILL)
        while pool._slots[0] is executor:
            await asyncio.sleep(0.01)
        await pool.ready()
        watching.cancel()
        pool.stop()

    asyncio.run(asyncio.wait_for(scene(), 60))
    assert capsys.readouterr().out == "A process of the test pool died. Another one takes its place.\n"
