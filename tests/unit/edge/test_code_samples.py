"""The code samples of operations: what they read from the environment, and how they quote it."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from infra import openapi
from switchboard.edge.code_samples import CODE_SAMPLES
from switchboard.edge.sample_programs import EnvironmentText, SampleRequest, write_curl, write_python, write_typescript

_URL = "{SWITCHBOARD_URL}/v1/things"


def find_samples(api: str, path: str, method: str) -> dict[str, str]:
    document = json.loads((openapi.FOLDER / f"{api}.json").read_text())
    return {one["label"]: one["source"] for one in document["paths"][path][method][CODE_SAMPLES]}


def build_request(body: Any, media_type: str = "application/json") -> SampleRequest:
    return SampleRequest("POST", _URL, None, body, media_type, None, "application/json")


def test_every_operation_has_a_sample_in_each_language() -> None:
    for api in openapi.DESCRIPTIONS:
        document = json.loads((openapi.FOLDER / f"{api}.json").read_text())
        for path, item in document["paths"].items():
            for method, operation in item.items():
                languages = {one["lang"] for one in operation[CODE_SAMPLES]}
                assert languages == {"bash", "python", "typescript"}, (method, path)


def test_a_sample_takes_the_key_that_the_operation_accepts() -> None:
    assert "$ANIMA_AGENT_KEY" in find_samples("anima", "/v1/email/send", "post")["curl"]
    assert "$ANIMA_MASTER_KEY" in find_samples("anima", "/v1/agents", "post")["curl"]
    assert "Authorization" not in find_samples("anima", "/v1/agent/sign-up", "post")["curl"]
    assert "$ATHOS_SESSION_TOKEN" in find_samples("athos", "/api/external/v1/roleplay/session", "post")["curl"]


def test_an_id_in_a_path_or_in_an_example_is_a_variable() -> None:
    assert "/api/contacts/$CONTACT_ID" in find_samples("hum", "/api/contacts/{id}", "patch")["curl"]
    samples = find_samples("opticomm", "/functions/v1/external-api", "post")
    assert '"agent_id": "\'"$OPTICOMM_AGENT_ID"\'"' in samples["curl initiate_call"]
    assert '"agent_id": environ["OPTICOMM_AGENT_ID"]' in samples["Python initiate_call"]
    assert '"agent_id": env.OPTICOMM_AGENT_ID' in samples["TypeScript initiate_call"]
    assert "check_status" in samples["curl check_status"]


@pytest.mark.parametrize("text", ["it's", "$HOME `id` \\n", 'a "b"', "\u2028 é", "{x}"])
def test_a_body_arrives_as_it_is_in_every_language(text: str) -> None:
    request = build_request({"text": text, "on": True, "none": None, "many": [1, {"deep": []}]})
    assert json.loads(shlex.split(write_curl(request))[-1]) == request.body
    sent: dict[str, Any] = {}
    source = write_python(request).replace("import httpx", "")

    class Client:
        @staticmethod
        def request(*_: object, **given: Any) -> Any:
            sent.update(given)
            return Client

        @staticmethod
        def raise_for_status() -> None: ...

        json = print

    exec(source.replace("from os import environ", "environ = {'SWITCHBOARD_URL': ''}"), {"httpx": Client})
    assert sent["json"] == request.body
    assert json.dumps(text, ensure_ascii=False) in write_typescript(request)


def test_a_variable_between_two_texts_is_not_quoted_by_the_shell() -> None:
    source = write_curl(build_request({"id": EnvironmentText("", "THING_ID"), "note": "it's"}))
    assert "'\"$THING_ID\"'" in source
