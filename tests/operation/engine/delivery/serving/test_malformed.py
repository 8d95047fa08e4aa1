"""Malformed requests, made from the service's own OpenAPI document: none is a 5xx, none leaks anything.

``WORKBENCH_REQUESTS=10000`` asks for more of them.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.operation.engine.delivery.serving.running import ROOT, Service

REQUESTS = int(os.environ.get("WORKBENCH_REQUESTS", "400"))
LEAKS = [
    b"Traceback",
    b'File "',
    b".py",
    str(ROOT).encode(),
    b"site-packages",
    b"pandas",
    b"sklearn",
    b"numpy",
]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars | st.sampled_from([10**400, -(10**30), "NaN"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that a property of the document allows, or nearly."""
    kinds = schema["type"]
    made: list[st.SearchStrategy[Any]] = [st.none()]
    if "integer" in kinds or "number" in kinds:
        low, high = schema.get("minimum"), schema.get("maximum")
        made += [st.floats(low, high, allow_nan=False), st.sampled_from([low, high, 0, -0.0, 1e308])]
        made += [st.integers(-(2**70), 2**70)]
    if "boolean" in kinds:
        made.append(st.booleans())
    if "string" in kinds:
        made += [st.sampled_from(schema.get("examples", ["a"])), st.text()]
        if "pattern" in schema:
            made.append(st.from_regex(schema["pattern"].replace("$", r"\\Z"), fullmatch=False))
    return st.one_of(made)


def bodies(document: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """Return requests: nearly right ones, JSON of any kind, and bytes."""
    properties = document["components"]["schemas"]["Row"]["properties"]
    right = st.fixed_dictionaries({name: values(schema) for name, schema in properties.items()})
    names = st.sampled_from(sorted(properties)) | st.text(max_size=20)
    changes = st.dictionaries(names, anything, max_size=3)
    left_out = st.sets(st.sampled_from(sorted(properties)), max_size=2)

    def changed(parts: tuple[dict[str, Any], dict[str, Any], set[str]]) -> dict[str, Any]:
        row, other, without = parts
        return {name: one for name, one in {**row, **other}.items() if name not in without}

    row = st.one_of(right, st.tuples(right, changes, left_out).map(changed), anything)
    whole = st.one_of(
        st.lists(row, max_size=3).map(lambda found: {"data": found}),
        row.map(lambda found: {"data": found}),
        st.tuples(row, anything).map(lambda found: {"data": [found[0]], "more": found[1]}),
        anything,
    )
    text = whole.map(lambda found: json.dumps(found).encode())
    cut = st.tuples(text, st.integers(0, 200)).map(
        lambda found: found[0][: -found[1]] if found[1] else found[0]
    )
    spoilt = st.tuples(text, st.integers(0, 10**6), st.binary(max_size=3)).map(
        lambda found: (
            found[0][: found[1] % (len(found[0]) + 1)] + found[2] + found[0][found[1] % (len(found[0]) + 1) :]
        )
    )
    return st.one_of(text, text, cut, spoilt, st.binary(max_size=300))


headers = st.fixed_dictionaries(
    {},
    optional={
        "x-request-id": st.text(
            st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=150
        ).map(str.strip),
        "content-type": st.sampled_from(
            ["application/json", "text/csv", "", "application/json; charset=latin-1"]
        ),
        "x-ms-request-id": st.text("ab-", max_size=150),
        "accept": st.sampled_from(["*/*", "text/html", "nonsense"]),
        "content-encoding": st.sampled_from(["gzip", "identity", "br"]),
    },
)


@contextmanager
def connected(service: Service) -> Iterator[http.client.HTTPConnection]:
    connection = service.connection()
    try:
        yield connection
    finally:
        connection.close()


def check(status: int, content: bytes, sent: bytes, *, ours: bool = True) -> None:
    assert status < 500, content
    assert [leak for leak in LEAKS if leak in content and leak not in sent] == [], content
    if ours:
        document = json.loads(content)
        assert set(document) >= ({"predictions"} if status == 200 else {"error"})
        assert document["request_id"]


@settings(
    max_examples=REQUESTS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_no_request_to_score_is_an_error_of_the_service(data: st.DataObject, service: Service) -> None:
    if not _DOCUMENT:
        _DOCUMENT.append(bodies(json.loads(service.asked("GET", "/openapi.json")[2])))
    body, more = data.draw(_DOCUMENT[0]), data.draw(headers)
    words = {"Authorization": f"Bearer {service.key}", **more}
    encoded = {name: value.encode("latin-1") for name, value in words.items()}
    with connected(service) as connection:
        connection.request("POST", "/score", body, encoded)
        answer = connection.getresponse()
        # an answer repeats the id that it was asked with
        check(answer.status, answer.read(), b" ".join([body, *encoded.values()]))


_DOCUMENT: list[st.SearchStrategy[bytes]] = []

pieces = st.sampled_from(
    [
        b"POST /score HTTP/1.1\r\n",
        b"GET /score?a=1 HTTP/1.1\r\n",
        b"PUT /score HTTP/1.0\r\n",
        b"POST /score HTTP/9.9\r\n",
        b"G\x00T / HTTP/1.1\r\n",
        b"GET /%00%ff/../..//etc/passwd HTTP/1.1\r\n",
        b"Host: x\r\n",
        b"Authorization: Bearer a-key-of-the-tests\r\n",
        b"Authorization: \xff\xfe\r\n",
        b"Content-Length: 4\r\n",
        b"Content-Length: -4\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Expect: 100-continue\r\n",
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n",
        b"x-request-id: " + b"a" * 9000 + b"\r\n",
        b"\r\n",
        b"{}\r\n",
        b"4\r\n{}  \r\n0\r\n\r\n",
        b"ffffffffffffffff\r\n",
    ]
)


@settings(max_examples=max(40, REQUESTS // 10), deadline=None)
@given(sent=st.lists(pieces | st.binary(max_size=20), min_size=1, max_size=8))
def test_no_bytes_on_the_wire_are_an_error_of_the_service(sent: list[bytes], service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as client:
        try:
            client.sendall(b"".join(sent) + b"\r\n\r\n")
            client.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: client.recv(65536), b""))
        except OSError:
            return  # the service has hung up before it was sent all of it
    for head in answer.split(b"HTTP/1.1 ")[1:]:
        assert head[:3].isdigit(), answer
        check(int(head[:3]), answer, b"".join(sent), ours=False)


def test_it_is_still_there(service: Service) -> None:
    assert service.asked("GET", "/health/ready")[0] == 200
    counted = service.asked("GET", "/metrics")[2].decode()
    assert 'score_requests_total{status="500"} 0' in counted
    lines = service.text().splitlines()
    assert [line for line in lines if "/src/" in line or "/engine/delivery/" in line] == []
