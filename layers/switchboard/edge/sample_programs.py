"""The programs of code samples: the text of one request in curl, Python and TypeScript.

Each program runs as it is shown, with curl, with Python and the package httpx, or with Node.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

from switchboard.edge.descriptions import Json

#: A variable in a URL.
VARIABLE = re.compile(r"\{(\w+)\}")
_JSON = "application/json"
_STREAM = "text/event-stream"


@dataclass(frozen=True)
class EnvironmentText:
    """A text with the value of an environment variable between two fixed parts."""

    before: str
    variable: str
    after: str = ""


@dataclass(frozen=True)
class SampleRequest:
    """The request that a sample sends. `url` has variables in braces. `file` is the field of a form with a file."""

    method: str
    url: str
    header: tuple[str, EnvironmentText] | None
    body: Any
    media_type: str | None
    file: tuple[str, str] | None
    #: The usual response: an event stream, JSON, a redirect, another text, or nothing.
    response: str


def write_curl(request: SampleRequest) -> str:
    """Returns a command of a shell."""
    url = VARIABLE.sub(r"$\1", request.url)
    lines = [f'curl {"-N " if request.response == _STREAM else ""}"{url}"']
    if request.method not in ("GET", "POST") or (
        request.method == "POST" and request.body is None and not request.file
    ):
        lines[0] = lines[0].replace("curl", f"curl -X {request.method}", 1)
    if request.response == "redirect":
        lines[0] = lines[0].replace("curl", "curl -i", 1)
    if request.header:
        name, value = request.header
        lines.append(f'-H "{name}: {value.before}${value.variable}{value.after}"')
    if request.file:
        lines.append(f"-F {request.file[0]}=@{request.file[1]}")
    if request.body is not None:
        lines.append(f"-H 'Content-Type: {request.media_type}'")
        option = "-d" if request.media_type == _JSON else "--data-binary"
        lines.append(f"{option} {_shell_text(request)}")
    return " \\\n  ".join(lines)


def _shell_text(request: SampleRequest) -> str:
    """Returns the body in quotes. A variable stands between them, so that the shell replaces it."""
    if request.media_type != _JSON:
        return shlex.quote(request.body)
    names: list[str] = []

    def take(value: EnvironmentText) -> str:
        names.append(value.variable)
        return f"\0{len(names) - 1}\0"

    text = shlex.quote(json.dumps(request.body, indent=2, ensure_ascii=False, default=take).replace("\\u0000", "\0"))
    return re.sub("\0(\\d+)\0", lambda one: f"'\"${names[int(one[1])]}\"'", text)


def write_python(request: SampleRequest) -> str:
    """Returns a program for Python with the package httpx."""
    url = VARIABLE.sub(r"{environ['\1']}", request.url)
    arguments = [f'"{request.method}"', f'f"{url}"']
    headers: Json = {}
    if request.header:
        headers[request.header[0]] = request.header[1]
    if request.body is not None and request.media_type != _JSON:
        headers["Content-Type"] = request.media_type
    if headers:
        arguments.append(f"headers={_python_literal(headers, 1)}")
    if request.body is not None:
        name = "json" if request.media_type == _JSON else "content"
        arguments.append(f"{name}={_python_literal(request.body, 1)}")
    if request.file:
        arguments.append(f'files={{"{request.file[0]}": open("{request.file[1]}", "rb")}}')
    call = "".join(f"    {one},\n" for one in arguments)
    head = "from os import environ\n\nimport httpx\n\n"
    if request.response == _STREAM:
        return (
            f"{head}with httpx.stream(\n{call}    timeout=None,\n) as response:\n    for line in response.iter_lines():"
            "\n        print(line)"
        )
    if request.response == "redirect":
        return f'{head}response = httpx.request(\n{call})\nprint(response.headers["Location"])'
    show = {_JSON: "response.json()", "nothing": "response.status_code"}.get(request.response, "response.text")
    return f"{head}response = httpx.request(\n{call})\nresponse.raise_for_status()\nprint({show})"


def _python_literal(value: Any, depth: int) -> str:
    if isinstance(value, EnvironmentText):
        if not value.before and not value.after:
            return f'environ["{value.variable}"]'
        return f"f\"{value.before}{{environ['{value.variable}']}}{value.after}\""
    if isinstance(value, dict | list) and value:
        indent, parts = "    " * (depth + 1), []
        for key in value:
            literal = _python_literal(value[key] if isinstance(value, dict) else key, depth + 1)
            parts.append(
                f"{indent}{json.dumps(key)}: {literal},\n" if isinstance(value, dict) else f"{indent}{literal},\n"
            )
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        return f"{opening}\n{''.join(parts)}{'    ' * depth}{closing}"
    if value is None or isinstance(value, bool):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def write_typescript(request: SampleRequest) -> str:
    """Returns a program for Node, which runs TypeScript by itself."""
    lines = ['import { env } from "node:process";\n']
    if request.file:
        field, name = request.file
        lines.insert(0, 'import { openAsBlob } from "node:fs";')
        lines.append("const form = new FormData();")
        lines.append(f'form.append("{field}", await openAsBlob("{name}"), "{name}");')
    url = "`" + VARIABLE.sub(r"${env.\1}", request.url) + "`"
    options = [] if request.method == "GET" else [f'  method: "{request.method}",']
    headers: Json = {}
    if request.header:
        headers[request.header[0]] = request.header[1]
    if request.body is not None:
        headers["Content-Type"] = request.media_type
    if headers:
        parts = "".join(f"    {json.dumps(name)}: {_typescript_text(value)},\n" for name, value in headers.items())
        options.append(f"  headers: {{\n{parts}  }},")
    if request.file:
        options.append("  body: form,")
    if request.body is not None:
        literal = _typescript_literal(request.body).replace("\n", "\n  ")
        options.append(f"  body: JSON.stringify({literal})," if request.media_type == _JSON else f"  body: {literal},")
    if request.response == "redirect":
        options.append('  redirect: "manual",')
    lines.append(f"const response = await fetch({url}" + (", {\n" + "\n".join(options) + "\n});" if options else ");"))
    if request.response == "redirect":
        return "\n".join([*lines, 'console.log(response.headers.get("Location"));'])
    lines.append("if (!response.ok) throw new Error(await response.text());")
    if request.response == _STREAM:
        lines.append(
            "for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {\n  console.log(text);\n}"
        )
    else:
        show = {_JSON: "await response.json()", "nothing": "response.status"}
        lines.append(f"console.log({show.get(request.response, 'await response.text()')});")
    return "\n".join(lines)


def _typescript_text(value: Any) -> str:
    if not isinstance(value, EnvironmentText):
        return json.dumps(value, ensure_ascii=False)
    return f"`{value.before}${{env.{value.variable}}}{value.after}`" if value.before else f"env.{value.variable}!"


def _typescript_literal(value: Any) -> str:
    """Returns JSON, which is TypeScript, with the variables of the environment in it."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=lambda one: f"\0{one.variable}\0")
    return re.sub(r'"\\u0000(\w+)\\u0000"', r"env.\1", text)
