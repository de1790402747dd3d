"""S3 for services and workers: writes, reads, deletions and signed links."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from switchboard.aws import clients
from switchboard.aws.clients import BotoCoreError, ClientError
from switchboard.kit import clock, settings

#: The errors of requests to S3.
FAILURES = (ClientError, BotoCoreError)

#: The smallest part, in bytes, that S3 accepts in a multipart upload. Only the last part may be smaller.
MIN_PART_BYTES = 5 * 1024 * 1024


class StoredObject(NamedTuple):
    """The content of an object, or only its beginning, and the size of the whole object in bytes."""

    content: bytes
    size: int


def put_object(bucket: str, key: str, content: bytes, media_type: str) -> None:
    """Writes an object. A second write to the same key replaces the object."""
    clients.get_client("s3").put_object(Bucket=bucket_name(bucket), Key=key, Body=content, ContentType=media_type)


def upload_object(bucket: str, key: str, chunks: Iterable[bytes], media_type: str) -> int:
    """Writes an object in parts, with at most one full part in memory. Returns its size in bytes.

    A small object is one request. A larger object appears when its last part is uploaded, so a failed upload leaves no
    object. The uploaded parts are deleted here, or by the bucket's lifecycle rule if this process is killed.
    """
    parts = _parts(chunks)
    first = next(parts, b"")
    second = next(parts, None)
    if second is None:
        put_object(bucket, key, first, media_type)
        return len(first)
    client, where = clients.get_client("s3"), {"Bucket": bucket_name(bucket), "Key": key}
    where["UploadId"] = client.create_multipart_upload(**where, ContentType=media_type)["UploadId"]
    try:
        return _upload_parts(client, where, (first, second), parts)
    except BaseException:
        with suppress(ClientError, BotoCoreError):
            client.abort_multipart_upload(**where)
        raise


def _upload_parts(client: Any, where: dict[str, str], begun: Iterable[bytes], rest: Iterable[bytes]) -> int:
    size = 0
    done: list[dict[str, Any]] = []
    for content in (part for parts in (begun, rest) for part in parts):
        number = len(done) + 1
        answer = client.upload_part(**where, PartNumber=number, Body=content)
        done.append({"PartNumber": number, "ETag": answer["ETag"]})
        size += len(content)
    client.complete_multipart_upload(**where, MultipartUpload={"Parts": done})
    return size


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in parts of S3's minimum size. The last part may be smaller."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= MIN_PART_BYTES:
            yield bytes(buffer[:MIN_PART_BYTES])
            del buffer[:MIN_PART_BYTES]
    if buffer:
        yield bytes(buffer)


def read_object(bucket: str, key: str, limit: int, beginning: int) -> StoredObject:
    """Reads an object. Of an object larger than `limit` bytes, read only the first `beginning` bytes."""
    answer = clients.get_client("s3").get_object(Bucket=bucket_name(bucket), Key=key)
    size = int(answer["ContentLength"])
    with answer["Body"] as body:
        return StoredObject(body.read(size if size <= limit else beginning), size)


def delete_object(bucket: str, key: str) -> None:
    """Deletes an object. Nothing happens if there is none."""
    clients.get_client("s3").delete_object(Bucket=bucket_name(bucket), Key=key)


def delete_objects(bucket: str, prefix: str, limit: int) -> int:
    """Deletes up to `limit` objects, at most 1,000, whose keys begin with a prefix. Returns their number.

    Raises ClientError if one of them cannot be deleted.
    """
    client, name = clients.get_client("s3"), bucket_name(bucket)
    listed = client.list_objects_v2(Bucket=name, Prefix=prefix, MaxKeys=limit).get("Contents", ())
    if not listed:
        return 0
    wanted = {"Objects": [{"Key": one["Key"]} for one in listed], "Quiet": True}
    refused = client.delete_objects(Bucket=name, Delete=wanted).get("Errors", ())
    if refused:
        raise ClientError({"Error": {"Code": refused[0].get("Code", "")}}, "DeleteObjects")
    return len(listed)


def sign_download_link(bucket: str, key: str, filename: str, media_type: str, seconds: int) -> str:
    """Returns a signed link that downloads an object under this file name. The link is valid for some `seconds`.

    Anybody who has the link can use it. A browser saves the file and does not open it, so that a stranger's file
    never runs in a browser.
    """
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in filename)
    parameters = {
        "Bucket": bucket_name(bucket),
        "Key": key,
        "ResponseContentDisposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}",
        "ResponseContentType": media_type,
    }
    return str(clients.get_client("s3").generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))


def find_link_expiry(lifetime: timedelta) -> datetime:
    """Returns when a link expires that is signed from now on and is valid for `lifetime`.

    A link ends with the credentials that signed it, if these expire earlier.
    """
    end, credentials_end = clock.now() + lifetime, clients.find_credentials_expiry()
    return min(end, credentials_end.astimezone(UTC)) if credentials_end else end


def bucket_name(bucket: str) -> str:
    """Returns the name by which S3 knows a bucket of the topology."""
    return settings.text(settings.env_key("BUCKET", bucket).removeprefix(settings.PREFIX))
