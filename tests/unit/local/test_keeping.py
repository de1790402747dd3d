"""The files and the log lines of the local stack."""

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


def test_a_stream_continues_after_the_last_forwarded_record(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "handed_on.json")
    assert checkpoint.last_place("stream", "shard") is None
    checkpoint.save_place("stream", "shard", "17")
    again = Checkpoint(tmp_path / "handed_on.json")
    assert again.last_place("stream", "shard") == "17"
    assert again.last_place("another", "shard") is None
    again.forget_places()
    assert Checkpoint(tmp_path / "handed_on.json").last_place("stream", "shard") is None


def test_a_damaged_checkpoint_restarts_from_the_beginning(tmp_path: Path) -> None:
    (tmp_path / "handed_on.json").write_text('{"stream sha')
    assert Checkpoint(tmp_path / "handed_on.json").last_place("stream", "shard") is None


def test_a_killed_stack_does_not_count_as_ready(tmp_path: Path) -> None:
    assert not readiness.is_ready(tmp_path)
    (tmp_path / "ready").write_text(f"{os.getpid()}\n")
    assert readiness.is_ready(tmp_path)
    (tmp_path / "ready").write_text("4194305\n")  # beyond the largest process id of Linux
    assert not readiness.is_ready(tmp_path)


def test_an_unreachable_engine_is_logged_once_a_minute_for_all_pumps(caplog: pytest.LogCaptureFixture) -> None:
    moment = 0.0
    faults = FaultLog(lambda: moment)
    with caplog.at_level(logging.WARNING):
        for second in range(60):
            moment = second
            for name in ("workers/email", "workers/dialer", "workers/webhooks"):
                pause = faults.note_fault(name, EndpointConnectionError(endpoint_url="http://127.0.0.1:1"))
    assert len(caplog.records) == 1
    assert pause == 2


def test_a_repeated_error_is_logged_once_a_minute_with_its_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    moment = 0.0
    faults = FaultLog(lambda: moment)
    with caplog.at_level(logging.WARNING):
        for second in range(90):
            moment = second
            faults.note_fault("workers/email", ValueError("odd"))
            faults.note_fault("workers/email", BrokenProcessPool())
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


def test_existing_queues_and_tables_are_updated_to_the_topology(
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


def test_an_idle_process_that_died_is_replaced_before_the_next_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scene() -> None:
        pool = Pool(1, {}, tmp_path / "functions.log", name="test")
        await pool.start_processes()
        executor = pool._slots[0]
        (pid,) = executor._processes
        watching = asyncio.create_task(pool.watch_processes())
        os.kill(pid, signal.SIGKILL)
        while pool._slots[0] is executor:
            await asyncio.sleep(0.01)
        await pool.start_processes()
        watching.cancel()
        pool.stop()

    asyncio.run(asyncio.wait_for(scene(), 60))
    assert capsys.readouterr().out == "A process of the test pool died. Another one takes its place.\n"
