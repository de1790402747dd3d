"""S3, as services and workers use it: objects that are written once, read, and shown by signed links."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

from switchboard.aws import session, settings


class Object(NamedTuple):
    """An object's content, or its beginning, and its whole size."""

    content: bytes
    size: int


def put(bucket: str, key: str, content: bytes, media_type: str) -> None:
    """Write an object. The same key again replaces it."""
    session.client("s3").put_object(Bucket=_physical(bucket), Key=key, Body=content, ContentType=media_type)


def get(bucket: str, key: str, limit: int, beginning: int) -> Object:
    """Read an object; of one that is larger than `limit` its `beginning` only."""
    answer = session.client("s3").get_object(Bucket=_physical(bucket), Key=key)
    size = int(answer["ContentLength"])
    with answer["Body"] as body:
        return Object(body.read(size if size <= limit else beginning), size)


def link(bucket: str, key: str, filename: str, media_type: str, seconds: int) -> str:
    """A signed link to an object, for whoever has it, as a download under that name.

    A browser saves what it leads to and shows none of it: what a stranger sent runs nowhere.
    """
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in filename)
    parameters = {
        "Bucket": _physical(bucket),
        "Key": key,
        "ResponseContentDisposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}",
        "ResponseContentType": media_type,
    }
    return str(session.client("s3").generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))


def _physical(bucket: str) -> str:
    return settings.text(settings.env_key("BUCKET", bucket).removeprefix(settings.PREFIX))
