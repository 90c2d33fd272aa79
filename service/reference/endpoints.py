"""Pages of all endpoints, made from the OpenAPI document: a page for each group, each endpoint with an example.

For `service.documents`. Invariant: every operation of the document stands on one page, under a heading that is its
method and path.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.reference.schemas import cell, named_in, text, types, words

FOLDER, _UP = "reference/http", "../../"
_JSON, _PROBLEM = "application/json", "application/problem+json"
_SHOWN_LINES = 60  # of an example; the rest is left out, and says so


class _Group(NamedTuple):
    name: str
    title: str
    about: str
    paths: str  # a regular expression of the paths; the first group that fits has an operation


_GROUPS = (
    _Group("pings", "Pings", "What an SDK sends, see [the guide](../../sdk.md).", r"/v1/pings"),
    _Group("apps", "Phone apps", "What the apps that people have send; [what to enter](../../clients.md).",
           r"/v1/clients/|/api/webhook/"),
    _Group("events", "Region changes and positions", "What comes out; [how to read on](../../api.md).",
           r"/v1/events|/v1/positions"),
    _Group("devices", "Devices", "Enrolment, consent, where a device is, erasure.",
           r"/v1/devices|/v1/enrol|/enrol|/v1/layers/{layer}/regions/"),
    _Group("webhooks", "Webhooks", "Region changes sent to receivers, see [the guide](../../webhooks.md).",
           r"/v1/webhooks"),
    _Group("keys", "Keys and the audit", "Who may do what, and who did what.", r"/v1/keys|/v1/audit"),
    _Group("publishing", "Trying out and publishing", "Dry runs, publications and jobs.",
           r"/v1/layers/.*/(dry-run|publish|publications)|/v1/jobs"),
    _Group("layers", "Layers and versions", "Region files, what was found in them, their differences, their pictures.",
           r"/v1/layers"),
    _Group("others", "The service itself", "Its documents and its health.", r"/"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Told:
    """One operation of the document."""

    method: str
    path: str
    its: Mapping[str, Any]

    @property
    def heading(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def anchor(self) -> str:
        """As GitHub and the site make it of the heading."""
        return re.sub(r"[^\w\- ]", "", self.heading.lower()).replace(" ", "-")

    @property
    def answers(self) -> dict[str, Any]:
        """What it answers when all is well, by status."""
        return {status: its for status, its in self.its["responses"].items() if status < "400"}

    @property
    def refusals(self) -> list[str]:
        """The statuses of all its other answers."""
        return [status for status in self.its["responses"] if status >= "400"]

    @property
    def scope(self) -> str:
        """What a key needs."""
        needed = [scope for way in self.its["security"] for scopes in way.values() for scope in scopes]
        if needed:
            return f"scope `{needed[0]}`"
        return "any key" if self.its["security"] else "the key in the path" if "{key}" in self.path else "no key"


def endpoint_pages(document: Mapping[str, Any]) -> dict[str, str]:
    """Every page, by its place in docs/."""
    grouped: dict[_Group, list[_Told]] = {group: [] for group in _GROUPS}
    for path, methods in document["paths"].items():
        group = next(one for one in _GROUPS if re.match(one.paths, path))
        grouped[group] += [_Told(method.upper(), path, its) for method, its in methods.items()]
    pages = {f"{FOLDER}/{group.name}.md": _page(group, its, document) for group, its in grouped.items() if its}
    return {f"{FOLDER}/README.md": _front(grouped, document), **pages}


def _front(grouped: Mapping[_Group, Sequence[_Told]], document: Mapping[str, Any]) -> str:
    lines = [_FRONT]
    for group, its in grouped.items():
        lines += [f"\n## {group.title}\n", group.about, "", "| endpoint | | needs |", "|---|---|---|"]
        lines += [
            f"| [`{one.heading}`]({group.name}.md#{one.anchor}) | {cell(one.its['summary'])} | {one.scope} |"
            for one in its
        ]
    lines += ["\n## When it is refused\n", "| status | means | for example |", "|---|---|---|"]
    for status, answer in document["components"]["responses"].items():
        example = answer["content"][_PROBLEM]["example"]
        lines.append(f"| {status} | {cell(answer['description'])} | {cell(example['detail'])} |")
    return "\n".join(lines) + "\n"


def _page(group: _Group, operations: Sequence[_Told], document: Mapping[str, Any]) -> str:
    named = document["components"]["schemas"]
    lines = [f"# {group.title}", "", group.about, "", *_CONVENTIONS, ""]
    for one in operations:
        lines += [*_operation(one), ""]
    bodies = [[one.its.get("requestBody", {}), *one.answers.values()] for one in operations]
    lines += types(named_in(bodies, named), named)
    return "\n".join(lines).rstrip() + "\n"


def _operation(one: _Told) -> Iterator[str]:
    yield f"## {one.heading}"
    yield ""
    about = re.sub(r"\s*Scope: \S+\.$", "", one.its.get("description", ""))
    yield text(f"**{one.its['summary']}.** Needs {one.scope}. {about}".strip(), up=_UP)
    yield ""
    yield from ["```sh", _curl(one), "```", ""]
    if one.its.get("parameters"):
        yield from [*_parameters(one.its["parameters"]), ""]
    if "requestBody" in one.its:
        yield from [*_bodies("It takes", one.its["requestBody"]["content"]), ""]
    for status, answer in one.answers.items():
        yield from _answer(status, answer)
    yield f"Refused with {', '.join(one.refusals)}: [what each means](README.md#when-it-is-refused)."


def _curl(one: _Told) -> str:
    """A command that asks for it, with the examples of its parameters."""
    given = {its["name"]: its for its in one.its.get("parameters", ())}
    path = re.sub(r"{(\w+)}", lambda found: str(given[found[1]].get("example", found[0])), one.path)
    media, body = _example(one.its.get("requestBody", {}).get("content", {}))
    implied = one.method == "GET" or (one.method == "POST" and body is not None)
    parts = ["curl"] + ([] if implied else [f"-X {one.method}"])
    parts += ['-H "$AUTH"'] if one.its["security"] else []
    parts += [f'-H "content-type: {media}"'] if media not in ("", _JSON) else []
    if body is not None:
        parts.append(f"-d {shlex.quote(body if isinstance(body, str) else json.dumps(body, ensure_ascii=False))}")
    return " ".join([*parts, f'"$GEOFENCE_SERVER{path}"'])


def _example(contents: Mapping[str, Any]) -> tuple[str, Any]:
    """The first media type of a body that has an example."""
    for media, its in contents.items():
        if "example" in its:
            return media, its["example"]
    return "", None


def _parameters(parameters: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| parameter | in | type | |"
    yield "|---|---|---|---|"
    for its in parameters:
        name = f"**`{its['name']}`**" if its.get("required") else f"`{its['name']}`"
        yield f"| {name} | {its['in']} | {cell(words(its['schema']))} | {cell(its.get('description', ''), up=_UP)} |"


def _bodies(begin: str, contents: Mapping[str, Any]) -> Iterator[str]:
    told = []
    for media, its in contents.items():
        about = its["schema"].get("description", "").rstrip(".")
        about = about[:1].lower() + about[1:] if about[1:2].islower() else about
        told.append(f"`{media}`: {text(about, up=_UP) or words(its['schema'])}")
    yield f"{begin} {'; or '.join(told)}."


def _answer(status: str, answer: Mapping[str, Any]) -> Iterator[str]:
    headers = [f"`{name}`" for name in answer.get("headers", ())]
    more = f" With {', '.join(headers)}." if headers else ""
    yield f"**{status}**: {text(answer['description'])}.{more}"
    yield ""
    contents = answer.get("content", {})
    if not contents:
        return
    yield from [*_bodies("It answers", contents), ""]
    media, example = _example(contents)
    if example is not None:
        written = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
        lines = written.splitlines()
        lines = lines if len(lines) <= _SHOWN_LINES else [*lines[:_SHOWN_LINES], "..."]
        yield from [f"```{'json' if media.endswith('json') and lines[-1] != '...' else 'text'}", *lines, "```", ""]


_CONVENTIONS = [
    "`$GEOFENCE_SERVER` is where the gateway answers, `$AUTH` a header with a key, such as",
    "`Authorization: Bearer gf_...`; `. var/demo.env` sets both beside `make run`. [All endpoints](README.md).",
]
_FRONT = """# Every endpoint

Made from the code by `python -m service.documents`, as is [openapi.json](../../openapi.json), which is the same for
programs; a gateway answers it at `/v1/openapi.json`.

A key goes in as `Authorization: Bearer gf_...`, as the password of HTTP Basic, or as `X-API-Key`; any one of them is
enough. A key with the scope `admin` may do everything. What is refused is answered as problem+json (RFC 9457): `title`,
`detail`, `status`. Where an answer has `Retry-After`, come again then."""
