"""Objects that are written in parts: complete, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from switchboard.aws import clients, objects
from switchboard.kit import settings

pytestmark = pytest.mark.usefixtures("cloud")

PART = objects.MIN_PART_BYTES


def bucket() -> str:
    return settings.text("BUCKET_ATTACHMENTS")


def read_content(key: str) -> bytes:
    return bytes(clients.get_client("s3").get_object(Bucket=bucket(), Key=key)["Body"].read())


def count_open_uploads() -> int:
    return len(clients.get_client("s3").list_multipart_uploads(Bucket=bucket()).get("Uploads", []))


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 7])
@pytest.mark.parametrize("piece", [70_000, PART, 3 * PART])
def test_an_object_is_the_sum_of_its_pieces(size: int, piece: int) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    pieces = (data[start : start + piece] for start in range(0, size, piece))
    assert objects.upload_object("attachments", "org/x", pieces, "audio/wav") == size
    assert read_content("org/x") == data
    head = clients.get_client("s3").head_object(Bucket=bucket(), Key="org/x")
    assert (head["ContentType"], count_open_uploads()) == ("audio/wav", 0)


def test_a_small_object_takes_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise AssertionError("an upload in parts was started")

    monkeypatch.setattr(clients.get_client("s3"), "create_multipart_upload", fail)
    objects.upload_object("attachments", "org/x", [b"a" * PART], "audio/wav")


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_an_interrupted_stream_of_pieces_leaves_nothing(after: int) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(after):
            yield b"x" * PART
        raise ConnectionError("the rest does not arrive")

    with pytest.raises(ConnectionError):
        objects.upload_object("attachments", "org/x", pieces(), "audio/wav")
    assert count_open_uploads() == 0
    with pytest.raises(ClientError):
        read_content("org/x")


@pytest.mark.parametrize("broken", ["upload_part", "complete_multipart_upload"])
@pytest.mark.parametrize("abort_fails", [False, True])
def test_a_failure_is_raised_unchanged_and_the_upload_aborted_if_possible(
    broken: str, abort_fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients.get_client("s3")

    def fail(**_: object) -> None:
        raise ClientError({"Error": {"Code": "SlowDown"}}, broken)

    monkeypatch.setattr(client, broken, fail)
    if abort_fails:
        monkeypatch.setattr(client, "abort_multipart_upload", fail)
    with pytest.raises(ClientError, match=broken):
        objects.upload_object("attachments", "org/x", [b"x" * PART, b"y"], "audio/wav")
    assert count_open_uploads() == int(abort_fails), "the bucket's lifecycle rule removes the remaining upload"
