"""The API's own description: of every route, valid, and true of who may ask."""

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from healthslm.companion.openapi import document
from healthslm.readings import Kind
from tests.companion.test_views import MAY, PUBLIC, template_of

DOCS = Path(__file__).parents[2] / "docs" / "companion.md"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document()


def test_every_route_is_described_with_its_roles(described: dict[str, Any]) -> None:
    operations = {
        (method.upper(), path): one
        for path, methods in described["paths"].items()
        for method, one in methods.items()
    }
    for (method, path), roles in MAY.items():
        one = operations.pop((method, template_of(path)))
        assert one["x-roles"] == sorted(role.value for role in roles)
        assert one["security"]
        assert one["summary"]
    public = {path for (_, path), one in operations.items() if "security" not in one}
    assert public == PUBLIC
    assert {path for _, path in operations} - public == {"/api/v1/live", "/api/v1/radio"}


def test_its_schemas_are_schemas_and_its_references_resolve(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    text = str(described)
    for name in {part.split("'")[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in schemas
    kinds = described["paths"]["/api/v1/series/{kind}"]["get"]["parameters"][0]["schema"]["enum"]
    assert kinds == [kind.value for kind in Kind]


def test_the_docs_name_every_route_but_those_of_the_way_in(described: dict[str, Any]) -> None:
    rows = re.findall(r"^\| `([A-Z`, ]+) (/api/v1/[^` ?]+)", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    named = {
        (method, re.sub("/([A-Z]+|2026-11-02)(?=/|$)", "/*", path))
        for methods, path in rows
        for method in re.findall("[A-Z]+", methods)
    }
    told = {
        (method.upper(), re.sub(r"{\w+}", "*", path))
        for path, methods in described["paths"].items()
        for method in methods
    }
    assert named == {one for one in told if not one[1].startswith(("/api/v1/pair", "/api/v1/session"))}
