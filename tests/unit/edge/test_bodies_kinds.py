"""Media types, base64 and limits of every kind of body, and their description in the document."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from switchboard.dialects.anima.dialect import Anima
from switchboard.dialects.anima.document import DESCRIPTION
from switchboard.edge.api import Api
from switchboard.edge.bodies import Body, FormBody, JsonBody, MediaType, RawBody, essence_of, parse_media_type
from switchboard.edge.exchange import Request
from switchboard.edge.file_types import canonical_type, detect_type
from switchboard.edge.multipart import MultipartBody
from switchboard.edge.openapi import build_document
from switchboard.errors import Invalid
from tests.actors import Tenant, tenant
from tests.unit.edge.asking import Answer, send_request
from tests.unit.properties import example_settings


class RequestedItem(BaseModel):
    """A body with one field."""

    language: str
    words: list[str] = []


api = Api(Anima(), "kinds")


def register(path: str, body: Body, **more: Any) -> None:
    def wanted(wanted: RequestedItem) -> dict[str, Any]:
        return wanted.model_dump() | {"raw": base64.b64encode(api.raw).decode()}

    api.post(
        path,
        summary="Do it",
        operation_id=path.rpartition("/")[2],
        tag="Email",
        **more,
        **({"body": body} if body else {}),
    )(wanted)


register("/v1/json", JsonBody())
register("/v1/small", JsonBody(max_bytes=40))
register("/v1/form", FormBody(max_bytes=60))


@api.post(
    "/v1/raw",
    summary="Do it",
    operation_id="raw",
    tag="Email",
    body=RawBody(max_bytes=6, types=frozenset({"audio/wav"})),
)
def raw() -> dict[str, str]:
    return {"raw": base64.b64encode(api.raw).decode()}


@api.post("/v1/any", summary="Do it", operation_id="any", tag="Email", body=RawBody(types=frozenset()))
def anything() -> dict[str, str]:
    return {"raw": base64.b64encode(api.raw).decode()}


@pytest.fixture
def acme(cloud: dict[str, str], frozen: object) -> Tenant:
    return tenant(requests_per_minute=1_000_000, requests_per_second=1_000_000)


def post_body(
    acme: Tenant, path: str, body: bytes | None, sent: str | None, *, binary: bool = True, **more: str
) -> Answer:
    headers = {"authorization": f"Bearer {acme.agent_key}"} | {
        name.replace("_", "-"): text for name, text in more.items()
    }
    return send_request(
        api, "POST", path, body, headers=headers | ({} if sent is None else {"content-type": sent}), binary=binary
    )


@pytest.mark.parametrize("binary", [True, False])
def test_a_body_may_be_sent_as_bytes_or_as_text(acme: Tenant, binary: bool) -> None:
    body = {"language": "ü", "words": ["a"]}
    answer = post_body(
        acme, "/v1/json", json.dumps(body, ensure_ascii=False).encode(), "application/json", binary=binary
    )
    assert json.loads(answer.body) == body | {"raw": ""}
    form = post_body(
        acme, "/v1/form", b"language=%C3%BC+x&words=a&words=b", "application/x-www-form-urlencoded", binary=binary
    )
    assert (form.status, json.loads(form.body)["language"], json.loads(form.body)["words"]) == (200, "ü x", ["a", "b"])
    answer = post_body(acme, "/v1/raw", b"RIFF", "Audio/WAV; a=b", binary=binary)
    assert (answer.status, json.loads(answer.body)["raw"]) == (200, base64.b64encode(b"RIFF").decode())


def test_bytes_arrive_unchanged(acme: Tenant) -> None:
    for data in (b"", b"\x00\xff", bytes(range(256)), b"\r\n"):
        assert json.loads(post_body(acme, "/v1/any", data, "x/y").body)["raw"] == base64.b64encode(data).decode()
    assert json.loads(post_body(acme, "/v1/any", None, None).body)["raw"] == ""


@pytest.mark.parametrize(
    ("path", "body", "sent", "status"),
    [
        ("/v1/small", b'{"language":"' + b"x" * 25 + b'"}', "application/json", 200),
        ("/v1/small", b'{"language":"' + b"x" * 26 + b'"}', "application/json", 413),
        ("/v1/form", b"language=" + b"x" * 51, "application/x-www-form-urlencoded", 200),
        ("/v1/form", b"language=" + b"x" * 52, "application/x-www-form-urlencoded", 413),
        ("/v1/raw", b"123456", "audio/wav", 200),
        ("/v1/raw", b"1234567", "audio/wav", 413),
        ("/v1/form", b"language=x", "application/json", 415),
        ("/v1/form", b"language=x", None, 415),
        ("/v1/form", b"language=x", "application/x-www-form-urlencoded; charset=latin-1", 415),
        ("/v1/form", b"language=x", "application/x-www-form-urlencoded; charset", 400),
        ("/v1/form", b"language=x", "application/x-www-form-urlencoded; charset=utf-8; Charset=utf-8", 400),
        ("/v1/form", b"language=%ff", "application/x-www-form-urlencoded", 400),
        ("/v1/form", b"", "application/x-www-form-urlencoded", 400),
        ("/v1/form", None, "application/x-www-form-urlencoded", 400),
        ("/v1/form", b"words=x", "application/x-www-form-urlencoded", 400),
        ("/v1/raw", b"x", "audio/mpeg", 415),
        ("/v1/raw", b"x", "audio/wav;;;", 200),
        ("/v1/raw", b"x", 'audio/wav; a="', 400),
        ("/v1/any", b"x", "nonsense", 400),
        ("/v1/any", b"x", None, 200),
        ("/v1/json", b"\xff", "application/json", 400),
        ("/v1/json", b'{"language":"x"}', None, 200),
    ],
)
@pytest.mark.parametrize("binary", [True, False])
def test_each_kind_has_its_limit_and_its_types(
    acme: Tenant, path: str, body: bytes | None, sent: str | None, status: int, binary: bool
) -> None:
    if not binary and body == b"\xff":
        return
    assert post_body(acme, path, body, sent, binary=binary).status == status


def test_the_correlation_id_is_read_from_a_form_too(acme: Tenant) -> None:
    sent = "application/x-www-form-urlencoded"
    assert post_body(acme, "/v1/form", b"language=x&correlation_id=mine", sent).headers["x-correlation-id"] == "mine"
    assert post_body(acme, "/v1/form", b"language=x&correlation_id=a+b", sent).status == 400


def test_text_and_base64_of_the_same_characters_are_two_requests(acme: Tenant) -> None:
    assert post_body(acme, "/v1/any", b"aGk=", "x/y", binary=False, idempotency_key="k").status == 200
    assert post_body(acme, "/v1/any", b"hi", "x/y", idempotency_key="k").status == 409
    assert post_body(acme, "/v1/any", b"aGk=", "x/y", binary=False, idempotency_key="k").status == 200


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\xff" * 100])
def test_the_size_of_a_body_is_counted_in_its_decoded_bytes(data: bytes) -> None:
    event = {"httpMethod": "POST", "path": "/", "body": base64.b64encode(data).decode(), "isBase64Encoded": True}
    request = Request(event, "")
    assert (request.body_size(), request.body_bytes()) == (len(data), data)


@pytest.mark.parametrize("text", ["a", "a===", "é", "!!!!"])
def test_invalid_base64_is_refused(text: str) -> None:
    request = Request({"httpMethod": "POST", "path": "/", "body": text, "isBase64Encoded": True}, "")
    with pytest.raises(Invalid):
        request.body_bytes()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a/b", MediaType("a/b", {})),
        (" A/B ; ", MediaType("a/b", {})),
        ('A/b;X=1;y="a;\\"b\\\\"', MediaType("a/b", {"x": "1", "y": 'a;"b\\'})),
        ("a/b \t;\tx=Y;;", MediaType("a/b", {"x": "Y"})),
        ('a/b;x=""', MediaType("a/b", {"x": ""})),
    ],
)
def test_a_media_type_has_parameters(text: str, expected: MediaType) -> None:
    assert parse_media_type(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "a", "a/", "/b", "a/b c", "a/b;x", "a/b;x=", "a/b;x=1 2", 'a/b;x="1', "a/b;x=1;X=1", "é/b", "a/b;" * 400],
)
def test_a_malformed_media_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"media type|parameter|twice"):
        parse_media_type(text)


@example_settings(300)
@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(["a/b", ";", "=", '"', "\\", "x", " ", "\t"]), max_size=30).map("".join)
)
def test_no_media_type_causes_a_server_error(text: str) -> None:
    try:
        found = parse_media_type(text)
    except ValueError:
        return
    assert found.essence == essence_of(text)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"RIFF....WAVEfmt ", "audio/wav"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\xff\xff\xff\xff", None),
        (b"\x00\x00\x00\x20ftypM4A ", "audio/mp4"),
        (b"OggS\x00", "audio/ogg"),
        (b"fLaC", "audio/flac"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"\xff\xfe<\x00h\x00", None),
        (b"<html>", None),
        (b"", None),
        (b"\xff", None),
    ],
)
def test_the_first_bytes_of_a_file_determine_its_type(data: bytes, found: str | None) -> None:
    types = {
        *("audio/wav", "image/webp", "audio/mpeg", "audio/aac", "audio/mp4", "audio/ogg", "audio/flac"),
        *("application/pdf", "image/png", "image/gif", "image/jpeg"),
    }
    assert detect_type("", data, types) == found
    for one in types:
        assert detect_type(one, data, types) in ((found,) if one == found else (None, one))
    assert canonical_type("audio/x-wav") == "audio/wav"


def test_a_stated_type_without_known_first_bytes_is_accepted() -> None:
    assert detect_type("text/csv", b"a,b", {"text/csv"}) == "text/csv"
    assert detect_type("", b"a,b", {"text/csv"}) is None


class Labels(BaseModel):
    """Two text fields."""

    language: str
    title: str | None = None


def test_a_document_describes_every_kind() -> None:
    described = Api(Anima(), "described")
    file = MultipartBody(field="audio", types=frozenset({"audio/wav", "audio/mpeg"}), to="attachments")

    @described.post("/v1/file", summary="s", operation_id="file", tag="Email", body=file)
    def with_file(labels: Labels) -> dict[str, str]: ...

    @described.post("/v1/bare-file", summary="s", operation_id="bareFile", tag="Email", body=file)
    def with_bare_file() -> dict[str, str]: ...

    @described.post("/v1/form", summary="s", operation_id="form", tag="Email", body=FormBody(verify=lambda _: None))
    def with_form(wanted: Labels) -> dict[str, str]: ...

    @described.post(
        "/v1/raw", summary="s", operation_id="raw", tag="Email", body=RawBody(types=frozenset({"audio/wav"}))
    )
    def with_bytes() -> dict[str, str]: ...

    @described.post("/v1/any", summary="s", operation_id="any", tag="Email", body=RawBody(types=frozenset()))
    def with_anything() -> dict[str, str]: ...

    made = build_document([described], DESCRIPTION)
    bodies = {path: item["post"]["requestBody"] for path, item in made["paths"].items()}
    assert [path for path, body in bodies.items() if not body["required"]] == ["/v1/any"]
    binary = {"type": "string", "format": "binary"}
    upload = binary | {"description": "The file."}
    form = bodies["/v1/file"]["content"]["multipart/form-data"]
    assert form["schema"]["properties"].keys() == {"language", "title", "audio"}
    assert form["schema"]["properties"]["audio"] == upload
    assert form["schema"]["required"] == ["language", "audio"]
    assert form["encoding"] == {"audio": {"contentType": "audio/mpeg, audio/wav"}}
    bare = bodies["/v1/bare-file"]["content"]["multipart/form-data"]["schema"]
    assert bare == {"type": "object", "properties": {"audio": upload}, "required": ["audio"]}
    assert bodies["/v1/form"]["content"] == {
        "application/x-www-form-urlencoded": {"schema": {"$ref": "#/components/schemas/Labels"}}
    }
    assert bodies["/v1/raw"]["content"] == {"audio/wav": {"schema": binary}}
    assert bodies["/v1/any"]["content"] == {"application/octet-stream": {"schema": binary}}
    signed, keyed = made["paths"]["/v1/form"]["post"], made["paths"]["/v1/raw"]["post"]
    assert (signed["security"], "401" in signed["responses"], "403" in signed["responses"]) == ([], False, True)
    assert {"400", "401", "413", "415"} <= keyed["responses"].keys()
