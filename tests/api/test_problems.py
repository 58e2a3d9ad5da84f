"""Every error is a problem of one shape, and nobody gets in without a key: generated from the description of the API."""

import json
from urllib.parse import quote

import pytest

from tocsin.core.errors import RateLimited

PUBLIC = {("get", "/health/live"), ("get", "/health/ready")}
# They prove themselves in a way of their own, and refuse in the same shape.
OWN_PROOF = {("post", "/hooks/{source}")}


def assert_problem(answer, status, code):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"urn:tocsin:error:{code}"
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert set(body) <= {"type", "title", "status", "detail", "hint", "instance", "errors"}
    return body


def operations(app):
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            yield method, path, operation


def filled(path):
    return path.replace("{format}", "txt").replace("{source}", "ids").replace("{", "").replace("}", "")


async def test_every_operation_refuses_strangers(world):
    checked = 0
    for method, path, operation in operations(world.app):
        if (method, path) in PUBLIC | OWN_PROOF:
            assert operation["security"] == []
            continue
        for headers in ({}, {"authorization": "Bearer nonsense"}, {"authorization": "Basic YTpi"}, {"cookie": "tocsin-session=x"}):
            answer = await world.client.request(method, filled(path), headers=headers, content=b"{")
            body = assert_problem(answer, 401, "unauthenticated")
            assert "hint" in body, path
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert operation["security"], path
        checked += 1
    assert checked >= 25


async def test_public_operations_tell_no_details(world):
    for method, path in PUBLIC:
        answer = await world.client.request(method, path)
        assert answer.status_code == 200
        assert set(answer.json()) == {"status"}


async def test_strangers_cannot_tell_routes_that_are_from_those_that_are_not(world):
    assert_problem(await world.client.get("/api/v1/nothing"), 401, "unauthenticated")
    assert_problem(await world.client.get("/api/v1"), 401, "unauthenticated")


async def test_unknown_path_and_wrong_method_are_problems(world):
    assert_problem(await world.client.get("/api/v1/nothing", headers=world.bearer()), 404, "not-found")
    assert_problem(await world.client.get("/nothing"), 404, "not-found")
    refused = await world.client.delete("/api/v1/alerts", headers=world.bearer())
    assert_problem(refused, 405, "method-not-allowed")
    assert refused.headers["allow"]


async def test_errors_of_ours_say_what_and_where(world):
    body = assert_problem(await world.client.get("/api/v1/runs/run_x", headers=world.bearer()), 404, "not-found")
    assert body["instance"] == "/api/v1/runs/run_x"
    assert "run_x" in body["detail"]
    answer = await world.client.post("/api/v1/cases", json={"severity": "awful"}, headers=world.bearer())
    body = assert_problem(answer, 422, "invalid")
    assert {one["field"] for one in body["errors"]} == {"title", "severity"}
    assert all(one["reason"] for one in body["errors"])
    answer = await world.client.post("/api/v1/runs", json={"playbook": "nope"}, headers=world.bearer())
    assert_problem(answer, 404, "playbook-not-found")


async def test_bug_tells_the_id_of_the_log_line_and_nothing_else(world, capsys):
    @world.app.get("/api/v1/broken")
    async def broken() -> None:
        raise RuntimeError("SELECT secret FROM nowhere")

    answer = await world.client.get("/api/v1/broken", headers=world.bearer())
    body = assert_problem(answer, 500, "internal")
    assert "SELECT" not in answer.text
    id = body["instance"].rpartition(":")[2]
    assert id in capsys.readouterr().out


async def test_too_much_work_says_when_to_come_back(world):
    @world.app.get("/api/v1/busy")
    async def busy() -> None:
        raise RateLimited("Too many.", retry_after=7.0)

    answer = await world.client.get("/api/v1/busy", headers=world.bearer())
    assert_problem(answer, 429, "rate-limited")
    assert answer.headers["retry-after"] == "7"


async def test_every_answer_carries_the_security_headers(world):
    for path in ("/", "/nothing", "/api/v1/me", "/health/live", "/api/openapi.json", "/hooks/ids"):
        answer = await world.client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_description_is_complete(world):
    described = (await world.client.get("/api/openapi.json")).json()
    assert described["openapi"] == "3.1.0"
    assert set(described["components"]["securitySchemes"]) == {"key", "session", "password"}
    ids = []
    for method, path, operation in operations(world.app):
        where = f"{method} {path}"
        ids.append(operation["operationId"])
        assert operation["operationId"].replace("_", "").isalpha(), where
        assert operation["operationId"].partition("_")[2], where
        assert operation["summary"], where
        assert operation["tags"], where
        good = [code for code in operation["responses"] if code.startswith("2")]
        assert good, where
        for code, response in operation["responses"].items():
            if int(code) >= 400:
                assert list(response["content"]) == ["application/problem+json"], where
            elif code not in ("204", "304"):
                assert response.get("content"), where
        if path.startswith("/api/v1"):
            assert {"401", "403", "422", "500"} <= set(operation["responses"]), where
    assert len(ids) == len(set(ids))
    text = json.dumps(described)
    assert "HTTPValidationError" not in text
    names = {part.partition('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(described["components"]["schemas"])


ODD = ["\x00", "%00", "..%2f..", "'", '"', "é", "\u202e", "a" * 5_000, "-1", "9" * 30, "%ff", "null", "{}"]


@pytest.mark.parametrize("odd", ODD)
async def test_no_odd_path_or_query_makes_it_answer_500(world, odd):
    for method, path, operation in operations(world.app):
        if operation["operationId"] == "follow_events":
            continue  # it never ends; see test_events
        parts = path.replace("{format}", "txt").split("/")
        address = "/".join(quote(odd, safe="%") if "{" in part else part for part in parts)
        names = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
        params = dict.fromkeys(names, odd)
        answer = await world.client.request(
            method, address, params=params, headers={**world.bearer(), "content-type": "application/json"}, content=b"{}"
        )
        assert answer.status_code < 500 or answer.status_code == 503, (method, path, answer.text)


BODIES = [
    b"[]",
    b"null",
    b"7",
    b'"x"',
    b'{"a": {"b": [1, 2, {"c": null}]}}',
    b"\xff\xfe",
    b'{"title": 7, "text": [], "roles": "x"}',
    b"{" * 500,
]
LONE = b'{"title": "\\ud800", "text": "\\udfff", "name": "\\ud800", "answer": "\\ud800", "verdict": "benign", "reason": "\\ud800"}'


@pytest.mark.parametrize("body", [*BODIES, LONE])
async def test_no_odd_body_makes_it_answer_500(world, body):
    for method, path, _ in operations(world.app):
        if method in ("get", "delete"):
            continue
        headers = {**world.bearer(), "content-type": "application/json"}
        answer = await world.client.request(method, filled(path), content=body, headers=headers)
        assert answer.status_code < 500 or answer.status_code == 503, (method, path, answer.text)
