"""A multipart body: its file is stored in a bucket unchanged, and nothing about it causes a server error."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from switchboard.aws import clients, objects
from switchboard.dialects.anima.dialect import Anima
from switchboard.edge import multipart
from switchboard.edge.api import Api
from switchboard.edge.bodies import MAX_BODY_BYTES
from switchboard.edge.multipart import MultipartBody
from switchboard.edge.router import Operation
from switchboard.errors import Invalid, TooLarge, UnsupportedMedia
from switchboard.kit import settings
from switchboard.kit.texts import require_one_line
from tests.actors import Tenant, tenant
from tests.unit.edge.asking import Answer, send_request
from tests.unit.properties import example_settings

PATH = "/v1/test/files"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"
KIND = MultipartBody(
    field="audio", types=frozenset({"audio/wav", "audio/mpeg", "audio/webm"}), max_bytes=300_000, to="attachments"
)
BOUNDARY = "----a boundary'7"

api = Api(Anima(), "files")


class Fields(BaseModel):
    """The text fields."""

    model_config = ConfigDict(extra="forbid")

    language: str | None = None
    speakers: int = 1


@api.post(PATH, summary="Keep a file", operation_id="keepFile", tag="Test", body=KIND)
def keep_fields(fields: Fields) -> dict[str, Any]:
    stored = api.upload.store_file(api.caller.org_id)
    return stored._asdict() | fields.model_dump()


@pytest.fixture
def acme(cloud: dict[str, str], frozen: object) -> Tenant:
    return tenant(requests_per_minute=1_000_000, requests_per_second=1_000_000)


def build_part(name: str, data: bytes, *, disposition: str = "", headers: str = "") -> bytes:
    return (
        f'Content-Disposition: form-data; name="{name}"{disposition}\r\n'.encode()
        + "".join(f"{line}\r\n" for line in headers.splitlines()).encode()
        + b"\r\n"
        + data
    )


def build_audio(data: bytes = WAV, filename: str = 'note.wav"', headers: str = "Content-Type: audio/wav") -> bytes:
    return build_part("audio", data, disposition=f'; filename="{filename}' if filename else "", headers=headers)


def build_form(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts) + mark + b"--\r\n"


def post_form(acme: Tenant, body: bytes, *, boundary: str = f'"{BOUNDARY}"', **headers: str) -> Answer:
    sent = {"authorization": f"Bearer {acme.agent_key}", "content-type": f"multipart/form-data; boundary={boundary}"}
    return send_request(
        api, "POST", PATH, body, headers=sent | {name.replace("_", "-"): text for name, text in headers.items()}
    )


def stored_files() -> dict[str, bytes]:
    """Returns all files in the bucket."""
    s3, bucket = clients.get_client("s3"), settings.text("BUCKET_ATTACHMENTS")
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    assert not s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return {one["Key"]: s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed}


def assert_refused(answer: Answer, status: int, *words: str) -> None:
    assert answer.status == status, answer
    found = json.loads(answer.body)
    assert found["status"] == status
    for word in words:
        assert word in answer.body
    assert not stored_files()


def test_a_file_is_stored_unchanged_below_its_organization(acme: Tenant) -> None:
    data = WAV + bytes(range(256)) * 800
    answer = post_form(acme, build_form(build_part("language", b"de"), build_part("speakers", b"2"), build_audio(data)))
    assert answer.status == 200, answer
    found = json.loads(answer.body)
    assert (found["size"], found["media_type"], found["filename"]) == (len(data), "audio/wav", "note.wav")
    assert (found["language"], found["speakers"]) == ("de", 2)
    assert found["key"].startswith(f"{acme.org_id}/upl_")
    assert stored_files() == {found["key"]: data}
    head = clients.get_client("s3").head_object(Bucket=settings.text("BUCKET_ATTACHMENTS"), Key=found["key"])
    assert head["ContentType"] == "audio/wav"


@pytest.mark.parametrize(
    "inside",
    [
        f"--{BOUNDARY}--\r\n".encode(),
        f"text --{BOUNDARY} text".encode(),
        f"\n--{BOUNDARY}\r\n".encode(),
        f"\r--{BOUNDARY}--".encode(),
        f"\r\n-{BOUNDARY}\r\n\r\n--".encode(),
        b"\r\n" * 500 + b"\r",
        f"\r\n--{BOUNDARY[:-1]}".encode(),
    ],
)
@pytest.mark.parametrize("place", [0, 65_000, 65_400, 65_536])
def test_a_file_may_contain_text_that_looks_like_its_boundary(acme: Tenant, inside: bytes, place: int) -> None:
    data = WAV + b"x" * place + inside + b"end"
    answer = post_form(acme, build_form(build_audio(data)))
    assert answer.status == 200, answer
    assert list(stored_files().values()) == [data]


def test_the_end_of_a_form_may_be_anywhere_in_its_pieces() -> None:
    for size in range(65_300, 65_560):
        data = WAV + b"x" * size
        upload = multipart._FormReader(KIND, build_form(build_audio(data)), BOUNDARY).upload
        assert upload.size == len(data)
        assert b"".join(upload.read_chunks()) == data


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('; filename="a b.wav"', "a b.wav"),
        ("; filename=plain.wav", "plain.wav"),
        ('; filename="../../etc/passwd"', "passwd"),
        ('; filename="C:\\\\fakepath\\\\x.wav"', "x.wav"),
        ('; filename="%22quoted%22.wav"', "_quoted_.wav"),
        ("; filename=\"x\"; filename*=UTF-8''na%C3%AFve%20%F0%9F%8E%B5.wav", "naïve 🎵.wav"),
        ("; filename*=iso-8859-1'en'%A3.wav", "£.wav"),
        ("; filename=\"; filename*=UTF-8''evil.wav\"", "; filename_=UTF-8''evil.wav"),
        ('; filename="a\u202egpj.exe"', "agpj.exe"),
        ('; filename="con.wav"', "_con.wav"),
        ('; filename="..."', "attachment-1"),
        ("", None),
    ],
)
def test_a_file_name_is_reduced_to_one_harmless_line(acme: Tenant, disposition: str, name: str | None) -> None:
    answer = post_form(
        acme, build_form(build_part("audio", WAV, disposition=disposition, headers="Content-Type: audio/wav"))
    )
    assert answer.status == 200, answer
    assert json.loads(answer.body)["filename"] == name


@pytest.mark.parametrize(
    ("stated", "data", "found"),
    [
        ("Content-Type: Audio/X-WAV; codec=1", WAV, "audio/wav"),
        ("Content-Type: audio/mp3", b"ID3\x04rest", "audio/mpeg"),
        ("Content-Type: audio/mpeg", b"\xff\xfb\x90\x00", "audio/mpeg"),
        ("Content-Type: audio/webm;codecs=opus", b"\x1a\x45\xdf\xa3rest", "audio/webm"),
        ("Content-Type: application/octet-stream", WAV, "audio/wav"),
        ("", WAV, "audio/wav"),
    ],
)
def test_the_stated_type_must_match_the_bytes(acme: Tenant, stated: str, data: bytes, found: str) -> None:
    answer = post_form(acme, build_form(build_audio(data, headers=stated)))
    assert answer.status == 200, answer
    assert json.loads(answer.body)["media_type"] == found


@pytest.mark.parametrize(
    ("stated", "data"),
    [
        ("Content-Type: audio/mpeg", WAV),
        ("Content-Type: audio/wav", b"<script>alert(1)</script>"),
        ("Content-Type: audio/ogg", b"OggS"),
        ("Content-Type: text/html", WAV),
        ("Content-Type: application/octet-stream", b"MZ\x90"),
        ("Content-Type: audio/wav", b"R"),
        ("", b"\x00"),
    ],
)
def test_another_type_is_refused(acme: Tenant, stated: str, data: bytes) -> None:
    assert_refused(post_form(acme, build_form(build_audio(data, headers=stated))), 415, "audio/wav")


TOO_LONG = "x" * 5_000


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ["final boundary"]),
        (build_form(), ["audio", "is missing"]),
        (build_form(build_part("language", b"de")), ["audio", "is missing"]),
        (build_form(build_audio())[:-4], ["final boundary"]),
        (build_form(build_audio())[:-30], ["final boundary"]),
        (build_form(build_audio()) + build_form(build_audio()), ["after its final boundary"]),
        (build_form(build_audio()) + b"more", ["after its final boundary"]),
        (build_form(build_audio(), build_audio()), ["audio", "is repeated"]),
        (
            build_form(build_part("language", b"a"), build_part("language", b"b"), build_audio()),
            ["language", "is repeated"],
        ),
        (build_form(build_audio(b"")), ["audio", "is empty"]),
        (
            build_form(build_audio(b"", filename='"', headers="Content-Type: application/octet-stream")),
            ["audio", "is empty"],
        ),
        (
            build_form(build_audio(), build_part("other", WAV, disposition='; filename="x"')),
            ["other", "contains a file"],
        ),
        (build_form(build_audio(), build_part("language", b"\xff")), ["language", "is not UTF-8 text"]),
        (
            build_form(build_audio(), build_part("language", b"x", headers="Content-Type: text/plain; charset=utf-16")),
            ["language"],
        ),
        (
            build_form(
                build_audio(), build_part("language", b"x", headers="Content-Type: multipart/mixed; boundary=b")
            ),
            ["nested multipart"],
        ),
        (build_form(build_audio(headers="Content-Transfer-Encoding: base64")), ["Content-Transfer-Encoding"]),
        (build_form(build_audio(headers="Content-Length: 7")), ["segment"]),
        (build_form(build_audio(headers="Content-Length: 7000")), ["segment"]),
        (build_form(build_audio(headers="Content-Length: -1")), ["segment"]),
        (build_form(build_audio(headers="Content-Type: audio/wav\nContent-Type: text/html")), ["repeats a header"]),
        (build_form(build_part("audio", WAV, disposition="; filename*=UTF-8''%ff")), ["malformed filename*"]),
        (build_form(build_part("audio", WAV, disposition="; filename*=koi8-r''x")), ["malformed filename*"]),
        (
            build_form(build_part("audio", WAV, disposition='; filename="x"').replace(b'"x"', b'"\xff"')),
            ["failed to decode"],
        ),
        (build_form(build_part("", b"x"), build_audio()), ["name of a part"]),
        (build_form(build_part("a%0Ab", b"x"), build_audio()), ["control characters"]),
        (build_form(b"Content-Disposition: form-data\r\n\r\nx"), ["name"]),
        (build_form(b"Content-Disposition: attachment; name=audio\r\n\r\nx"), ["Wrong type"]),
        (build_form(b"\r\nno headers"), ["missing Content-Disposition"]),
        (build_form(b"no colon\r\n\r\nx"), ["segment header"]),
        (build_form(build_audio(headers=f"X-A: {TOO_LONG}")), ["too long headers"]),
        (build_form(build_audio(headers="\n".join(f"X-{n}: y" for n in range(20)))), ["too many"]),
        (build_form(*(build_part(f"f{n}", b"x") for n in range(40)), build_audio()), ["32 parts"]),
        (build_form(build_audio(WAV + f"\r\n--{BOUNDARY}more".encode())), ["after boundary"]),
        (b"preamble " + build_form(build_audio()), ["boundary"]),
        (build_form(build_audio()).replace(b"\r\n", b"\n"), ["final boundary"]),
        (build_form(build_audio(), build_part("speakers", b"many")), ["speakers"]),
        (build_form(build_audio(), build_part("unknown", b"1")), ["unknown"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "body",
)
def test_a_malformed_form_is_refused_in_the_dialect_and_leaves_nothing(
    acme: Tenant, body: bytes, words: list[str]
) -> None:
    answer = post_form(acme, body)
    assert_refused(answer, 400, *words)
    assert json.loads(answer.body)["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("boundary", ["", '""', '"a\\"b"', "x" * 71, '"ends blank "', "a;boundary=b", "é"])
def test_a_boundary_follows_the_standard(acme: Tenant, boundary: str) -> None:
    assert_refused(post_form(acme, build_form(build_audio()), boundary=boundary), 400)


def test_an_exceeded_limit_is_named(acme: Tenant) -> None:
    assert post_form(acme, build_form(build_audio(WAV.ljust(300_000, b"x")))).status == 200
    clients.get_client("s3").delete_object(Bucket=settings.text("BUCKET_ATTACHMENTS"), Key=next(iter(stored_files())))
    assert_refused(post_form(acme, build_form(build_audio(WAV.ljust(300_001, b"x")))), 413, "300,000 bytes")
    assert_refused(post_form(acme, build_form(build_audio(WAV.ljust(400_000, b"x")))), 413)
    assert_refused(
        post_form(acme, build_form(build_part("language", b"x" * 65_537), build_audio())), 413, "65,536 bytes"
    )
    many = [build_part(f"f{n}", b"x" * 9_000) for n in range(8)]
    assert_refused(post_form(acme, build_form(*many, build_audio())), 413)


@pytest.mark.parametrize("sent", ["application/json", "multipart/mixed; boundary=b", "text/plain", "", ";", "é"])
def test_another_media_type_is_refused(acme: Tenant, sent: str) -> None:
    assert_refused(post_form(acme, build_form(build_audio()), content_type=sent), 415, "multipart/form-data")


@pytest.mark.parametrize("sent", ["Multipart/Form-Data; Boundary={}", 'MULTIPART/FORM-DATA ; x="a;b" ;boundary={}'])
def test_a_media_type_is_read_in_any_case_with_any_other_parameters(acme: Tenant, sent: str) -> None:
    assert post_form(acme, build_form(build_audio(), boundary="b"), content_type=sent.format("b")).status == 200


def test_text_that_api_gateway_passes_as_the_body_is_read_too(acme: Tenant) -> None:
    mp3 = build_part("audio", b"ID3text", disposition='; filename="a.mp3"', headers="Content-Type: audio/mpeg")
    headers = {"authorization": f"Bearer {acme.agent_key}", "content-type": "multipart/form-data; boundary=b"}
    assert send_request(api, "POST", PATH, build_form(mp3, boundary="b"), headers=headers, binary=False).status == 200


def test_a_wrong_content_length_of_the_request_is_ignored(acme: Tenant) -> None:
    for sent in ("0", "1", "99999999", "x"):
        assert post_form(acme, build_form(build_audio()), content_length=sent).status == 200


def test_a_repeated_request_stores_nothing_and_other_bytes_are_another_request(acme: Tenant) -> None:
    first = post_form(acme, build_form(build_audio()), idempotency_key="a-key")
    again = post_form(acme, build_form(build_audio(), boundary="another"), boundary="another", idempotency_key="a-key")
    assert (again.status, again.body, again.headers.get("idempotent-replayed")) == (200, first.body, "true")
    for other in (
        build_form(build_audio(WAV + b"x")),
        build_form(build_audio(filename='b.wav"')),
        build_form(build_audio(), build_part("language", b"de")),
    ):
        answer = post_form(acme, other, idempotency_key="a-key")
        assert (answer.status, json.loads(answer.body)["code"]) == (409, "IDEMPOTENCY_BODY_MISMATCH")
    assert len(stored_files()) == 1


def test_an_unauthenticated_request_stores_nothing(acme: Tenant) -> None:
    headers = {"content-type": f'multipart/form-data; boundary="{BOUNDARY}"'}
    assert_refused(send_request(api, "POST", PATH, build_form(build_audio()), headers=headers), 401)


def test_a_request_beyond_its_limits_stores_nothing(cloud: dict[str, str], frozen: object) -> None:
    few = tenant(requests_per_minute=1, requests_per_second=1)
    assert post_form(few, build_form(build_audio())).status == 200
    before = stored_files()
    assert post_form(few, build_form(build_audio())).status == 429
    assert stored_files() == before


def test_a_file_that_cannot_be_stored_leaves_nothing(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Iterator[bytes]:
        yield WAV
        raise RuntimeError("the process ends")

    monkeypatch.setattr(multipart.Upload, "read_chunks", fail)
    assert_refused(post_form(acme, build_form(build_audio())), 500)


def test_an_invalid_declaration_is_refused() -> None:
    with pytest.raises(ValueError, match="Lambda takes"):
        MultipartBody(field="a", types=frozenset(), to="b", max_bytes=MAX_BODY_BYTES + 1)
    with pytest.raises(ValueError, match=r"audio/x-wav is another name of audio/wav"):
        MultipartBody(field="a", types=frozenset({"audio/x-wav"}), to="b")
    with pytest.raises(ValueError, match="use Raw"):
        MultipartBody(field="a", types=frozenset(), to="b", verify=lambda _: "somebody")
    with pytest.raises(ValueError, match="cannot be public"):
        Operation(method="POST", path="/", body=KIND, public=True)
    assert KIND.max_body_bytes(0) == 300_000 + multipart.MAX_FIELDS_BYTES
    assert KIND.max_file_bytes < objects.MIN_PART_BYTES


# For any bytes, the result is a form or a refusal.

_lines = st.sampled_from(
    [
        b"\r\n",
        b"\n",
        b"--b",
        b"\r\n--b\r\n",
        b"\r\n--b--",
        b"--b--\r\n",
        b'Content-Disposition: form-data; name="audio"; filename="',
        b"\"; filename*=UTF-8''",
        b"%E2%80",
        b"Content-Type: ",
        b"audio/wav",
        b"Content-Length: 9",
        b"\r\n\r\n",
        b": ",
        WAV,
        b"\x00\xff",
        b"\\",
        b";" * 50,
    ]
)
_noise = st.lists(_lines | st.binary(max_size=8), max_size=24).map(b"".join)


@example_settings(400)
@given(body=_noise | st.lists(_noise, max_size=4).map(lambda parts: build_form(*parts, boundary="b")))
def test_no_bytes_cause_a_server_error(body: bytes) -> None:
    try:
        reading = multipart._FormReader(KIND, body, "b")
        upload = reading.upload
    except (Invalid, TooLarge, UnsupportedMedia):
        return
    assert len(b"".join(upload.read_chunks())) == upload.size
    assert len(reading.digest) == 64


def test_no_request_causes_a_server_error(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[str] = []
    monkeypatch.setattr(objects, "put_object", lambda bucket, key, *_: stored.append(key))

    @example_settings(120)
    @given(
        body=_noise | st.lists(_noise, max_size=3).map(lambda parts: build_form(*parts, build_audio(), boundary="b")),
        boundary=st.sampled_from(["b", '"b"', "b; boundary=c", "", '"', "é", "b\r\n", "x" * 80]) | st.text(max_size=6),
        more=st.fixed_dictionaries(
            {},
            optional={
                "content_length": st.text(max_size=4),
                "content_encoding": st.sampled_from(["gzip", "identity"]),
                "transfer_encoding": st.just("chunked"),
            },
        ),
    )
    def check_request(body: bytes, boundary: str, more: dict[str, str]) -> None:
        before = len(stored)
        answer = post_form(acme, body, boundary=boundary, **more)
        assert answer.status in (200, 400, 413, 415), answer
        assert len(stored) - before == (answer.status == 200)

    check_request()


@example_settings(150)
@given(data=st.binary(max_size=300), name=st.text(max_size=40), cut=st.integers(0, 400))
def test_every_file_is_read_as_it_was_written(data: bytes, name: str, cut: int) -> None:
    sent = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode(errors="ignore").decode()
    body = build_form(build_part("audio", WAV + data, disposition=f'; filename="{sent}"'), boundary="b0undary")
    upload = multipart._FormReader(KIND, body, "b0undary").upload
    assert b"".join(upload.read_chunks()) == WAV + data
    require_one_line(upload.filename or "")
    with pytest.raises(Invalid):
        multipart._FormReader(KIND, body[: max(0, len(body) - 4 - cut)], "b0undary").upload  # noqa: B018 it is missing


@pytest.mark.parametrize(
    "evil",
    [
        b"\r\n--" * 75_000,
        b"\r" * 300_000,
        b"\r\n--b" * 1 + b"\r\n--" * 70_000,
        (b"\r\n--boundary-that-is-lon" * 12_000),
        b"-" * 300_000,
    ],
    ids=["broken ends", "line ends", "many", "beginnings", "hyphens"],
)
def test_the_time_grows_only_with_the_size(evil: bytes) -> None:
    def measure_seconds(data: bytes) -> float:
        started = time.process_time()
        reading = multipart._FormReader(
            KIND, build_form(build_audio(WAV + data), boundary="boundary-that-is-long"), "boundary-that-is-long"
        )
        assert sum(map(len, reading.upload.read_chunks())) == len(WAV + data)
        return time.process_time() - started

    # A reader of quadratic time takes minutes for this.
    assert measure_seconds(evil[: 300_000 - len(WAV)]) < 2
