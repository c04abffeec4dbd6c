"""The API answers as its own OpenAPI document says, and the pages about it are whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from support.api import call, wait_until_done
from support.service import Service

REFERENCE = "#/components/schemas/"
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


def faults(document: Any, schema: Any, value: Any, at: str = "answer") -> Iterator[str]:
    """What of a value does not fit the schema: types, required fields, choices, references."""
    if "$ref" in schema:
        yield from faults(
            document, document["components"]["schemas"][schema["$ref"].removeprefix(REFERENCE)], value, at
        )
        return
    if "oneOf" in schema:
        if all(list(faults(document, each, value, at)) for each in schema["oneOf"]):
            yield f"{at} is none of what it may be"
        return
    kinds = schema.get("type")
    if kinds and not isinstance(value, tuple(k for kind in _list(kinds) for k in KINDS[kind])):
        yield f"{at} is no {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is none of {schema['enum']}"
    yield from _inner_faults(document, schema, value, at)


def _inner_faults(document: Any, schema: Any, value: Any, at: str) -> Iterator[str]:
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from faults(document, schema.get("items", {}), each, f"{at}[{number}]")
    if isinstance(value, dict):
        yield from (f"{at}.{name} is missing" for name in schema.get("required", []) if name not in value)
        for name, each in schema.get("properties", {}).items():
            if name in value:
                yield from faults(document, each, value[name], f"{at}.{name}")


def _list(kinds: Any) -> list[str]:
    return kinds if isinstance(kinds, list) else [kinds]


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    """Every operation: method, path, description."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


@pytest.fixture(scope="module")
def document(service: Service) -> Any:
    """The document as anybody gets it."""
    answer = httpx.get(service.url + "/api/v1/schema/openapi.json")
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture(scope="module")
def staff(service: Service) -> str:
    """A token of somebody with every role of staff that reads."""
    token = service.command("demo", "token", "tomas").stdout.strip()
    me = call(service, token, "GET", "/api/v1/me")
    for role in ("operator", "legal", "support", "administrator"):
        assert service.command("roles", "grant", me["id"], role, demo="true").returncode == 0
    return token


@pytest.fixture(scope="module")
def ids(service: Service, token: str, staff: str) -> dict[str, str]:
    """Something that exists for each parameter of an address."""
    run = call(service, token, "POST", "/api/v1/images", {"prompt": "a kite", "quality": "draft"})["run"]["id"]
    wait_until_done(service, token, run)
    image = call(service, token, "GET", f"/api/v1/runs/{run}")["images"][0]
    call(service, token, "POST", "/api/v1/privacy/archive")
    plan = call(service, staff, "POST", "/api/v1/retention/plans")
    return {"run_id": run, "image_id": image, "plan_id": plan["plan"]["id"], "form": "csv"}


def test_the_document_holds_together(document: Any) -> None:
    """Ids are unique, references lead somewhere, addresses name their parameters, and everything has words."""
    found = list(operations(document))
    names = [operation["operationId"] for _, _, operation in found]
    assert len(names) == len(set(names)) > 30
    for method, path, operation in found:
        assert operation["summary"], path
        assert operation["tags"] != ["Other"], path
        assert any(status.startswith("2") for status in operation["responses"]), path
        named = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), (method, path)
    references = re.findall(r"'#/components/schemas/(\w+)'", str(document))
    assert set(references) <= set(document["components"]["schemas"])
    assert all(schema.get("description") for schema in document["components"]["schemas"].values())


def test_every_get_answers_as_documented(
    service: Service, document: Any, token: str, staff: str, ids: dict[str, str]
) -> None:
    """A valid request to every GET answers with a documented status and a body of the documented shape."""
    for method, path, operation in operations(document):
        if method != "get":
            continue
        who = staff if operation["x-scope"] == "staff" else token
        address = service.url + path.format(**ids)
        answer = httpx.get(address, headers={"authorization": f"Bearer {who}"}, timeout=60)
        told = operation["responses"].get(str(answer.status_code))
        assert told is not None, (path, answer.status_code)
        not_yet = path in ("/api/v1/privacy/erasure", "/api/v1/retention/plans/{plan_id}/certificate")
        assert answer.status_code == (404 if not_yet else 200) or path.endswith("/archive/file"), path
        ((media, content),) = told["content"].items()
        if media != "*/*":
            assert answer.headers["content-type"].split(";")[0] == media
            assert list(faults(document, content["schema"], answer.json())) == [], path


def test_nothing_answers_without_a_token(service: Service, document: Any, ids: dict[str, str]) -> None:
    """Every operation refuses a stranger with a problem document of a documented status."""
    for method, path, operation in operations(document):
        address = service.url + re.sub(r"{\w+}", "unknown", path)
        answer = httpx.request(method, address, headers={"authorization": "Bearer gi_nobody"})
        assert answer.status_code in (401, 403), (method, path)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = operation["responses"][str(answer.status_code)]["content"]["application/problem+json"]["schema"]
        assert list(faults(document, problem, answer.json())) == []


def test_unknown_ids_are_not_found(service: Service, document: Any, token: str, staff: str) -> None:
    """What is not there is a 404 in the documented shape, whatever the method."""
    for method, path, operation in operations(document):
        if "_id}" not in path or "requestBody" in operation or operation["x-scope"] is None:
            continue
        who = staff if operation["x-scope"] == "staff" else token
        address = service.url + re.sub(r"{\w+}", "unknown", path)
        answer = httpx.request(method, address, headers={"authorization": f"Bearer {who}"})
        assert answer.status_code in (404, 409), (method, path, answer.text)
        assert answer.json()["detail"].endswith("."), path


def test_the_page_shows_every_operation(service: Service, document: Any) -> None:
    """The page of the API is for anybody, complete, and loads nothing from elsewhere."""
    page = httpx.get(service.url + "/api", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "<script" not in page.text
    for method, path, operation in operations(document):
        assert f"<b>{method.upper()}</b> {path}" in page.text
        assert f'id="{operation["operationId"]}"' in page.text
    links = re.findall(r'href="#([^"]+)"', page.text)
    assert all(f'id="{link}"' in page.text for link in links)


def test_well_known_files(service: Service) -> None:
    """security.txt has what RFC 9116 asks for and ends within a year; the privacy signal is told of."""
    answer = httpx.get(service.url + "/.well-known/security.txt")
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert fields["Contact"].startswith("mailto:")
    assert timedelta(days=360) < left < timedelta(days=365)
    assert httpx.get(service.url + "/.well-known/gpc.json").json()["gpc"] is True


def test_cookies_page_tells_of_every_cookie(service: Service) -> None:
    """Both cookies stand on the page with their use and their end."""
    page = httpx.get(service.url + "/cookies", headers={"accept": "text/html"}).text
    assert "session" in page
    assert "sign-in" in page
    assert "14 days" in page
