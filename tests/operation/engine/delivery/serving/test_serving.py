"""A service answers as the script does, behind its key, within its limits, until it is told to end."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.operation.engine.delivery.serving.running import Service, serving, wait_until
from tests.src.requesting import request, rows
from tests.src.running import Trained, child

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")


def test_answers_are_those_of_the_script_to_the_bit(service: Service, everything: Trained) -> None:
    import score

    score.init(["--model", str(everything.model)])
    sent = rows(everything)
    for body in (request(sent[0]), request(*sent[:50])):
        status, document = service.scored(body, x_request_id="same")
        assert (status, document) == (200, {**score.run(body).document, "request_id": "same"})


@pytest.mark.parametrize("key", ["", "Bearer wrong", "Basic YTpi", "Bearer a-key-of-the-tests "])
def test_without_the_key_nothing_is_told(service: Service, key: str) -> None:
    for method, path in (("POST", "/score"), ("GET", "/metrics"), ("GET", "/openapi.json"), ("GET", "/")):
        status, headers, body = service.asked(method, path, "{}", Authorization=key)
        if key.endswith(" ") and status != 401:
            continue  # HTTP takes the space off
        assert (status, headers["www-authenticate"]) == (401, "Bearer")
        message = "Missing or invalid API key. Send the header Authorization: Bearer <key>"
        assert json.loads(body)["error"]["message"] == message


def test_health_needs_no_key(service: Service) -> None:
    for path in ("/health/live", "/health/ready"):
        assert service.asked("GET", path, Authorization="")[0] == 200


def test_the_example_of_the_document_is_answered(service: Service) -> None:
    described = json.loads(service.asked("GET", "/openapi.json")[2])
    body = described["paths"]["/score"]["post"]["requestBody"]["content"]["application/json"]["example"]
    status, document = service.scored(json.dumps(body))
    assert (status, document["warnings"]) == (200, []), document
    assert len(document["predictions"]) == 1
    assert set(body["data"][0]) == set(described["components"]["schemas"]["Row"]["required"])


def test_wrong_methods_and_pages(service: Service) -> None:
    status, headers, body = service.asked("GET", "/score")
    assert (status, headers["allow"]) == (405, "POST")
    assert json.loads(body)["error"]["message"] == "Send rows with POST"
    status, _, body = service.asked("GET", "/score/../etc/passwd")
    assert (status, json.loads(body)["error"]["message"]) == (
        404,
        "No such page. There is POST /score, GET /openapi.json, /health/live, /health/ready and /metrics",
    )


def test_a_request_that_is_too_large_is_refused_unread(service: Service) -> None:
    status, document = service.scored("x" * 100_001)
    assert status == 413
    assert document["error"]["message"] == "The request has 100001 bytes; at most 100000 are allowed"


def test_a_request_without_a_length_is_read_to_the_limit_only(service: Service) -> None:
    connection = service.connection()
    connection.putrequest("POST", "/score")
    connection.putheader("Authorization", f"Bearer {service.key}")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for _ in range(3):
        connection.send(b"c350\r\n" + b"x" * 50_000 + b"\r\n")
    connection.send(b"0\r\n\r\n")
    assert connection.getresponse().status == 413
    connection.close()


def test_more_rows_than_one_request_may_have(service: Service, everything: Trained) -> None:
    status, document = service.scored(request(*[{}] * 51))
    assert (status, document["error"]["problems"][0]["problem"]) == (
        400,
        "51 rows exceed the limit of 50 per request",
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_body_is_utf_8_or_refused(encoding: str, service: Service, everything: Trained) -> None:
    status, document = service.scored(request(rows(everything)[0]).encode(encoding))
    assert (status, len(document["error"]["problems"])) == (400, 1)


@pytest.fixture(scope="module")
def unlimited(everything: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Return a service with the limits that it has by itself, without a key."""
    with serving(tmp_path_factory.mktemp("unlimited"), "--model", everything.model, "--no-log") as started:
        yield started


def test_the_answer_to_a_bad_request_is_bounded(unlimited: Service) -> None:
    body = '{"data": [' + ",".join(["{}"] * 1300) + "]}"
    status, _, content = unlimited.asked("POST", "/score", body)
    assert (status, len(body) < 4096, len(content) < 100_000) == (400, True, True)


def test_a_client_that_stops_sending_is_told_so(service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as client:
        head = f"POST /score HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {service.key}\r\n"
        client.sendall(head.encode() + b"Content-Length: 9\r\n\r\n{")
        client.settimeout(20)
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408 Request Timeout")


def test_what_happened_is_counted(service: Service, everything: Trained) -> None:
    def counts() -> dict[str, float]:
        _, headers, body = service.asked("GET", "/metrics")
        assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        lines = [line for line in body.decode().splitlines() if not line.startswith("#")]
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}

    before = counts()
    service.scored(request(*rows(everything)[:5]))
    service.scored("{")
    after = counts()
    grown = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    assert grown.pop('score_requests_total{status="200"}') == 1
    assert grown.pop('score_requests_total{status="400"}') == 1
    assert grown.pop("score_rows_total") == 5
    assert grown.pop("score_seconds_count") == grown.pop('score_seconds_bucket{le="+Inf"}') == 2
    assert grown.pop('score_errors_total{kind="request"}') == 1
    model, variant = f'model="{_digest(everything)}"', 'variant="champion"'
    assert grown.pop(f'score_variant_requests_total{{{model},status="200",{variant}}}') == 1
    assert grown.pop(f'score_variant_requests_total{{{model},status="400",{variant}}}') == 1
    assert grown.pop(f"score_variant_rows_total{{{model},{variant}}}") == 5
    assert grown.pop(f"score_variant_seconds_count{{{model},{variant}}}") == 2
    assert all(name.startswith(("score_seconds", "score_variant_seconds")) for name in grown)


def test_the_metrics_are_in_the_format_of_prometheus(service: Service, everything: Trained) -> None:
    prometheus = pytest.importorskip("prometheus_client.parser")
    text = service.asked("GET", "/metrics")[2].decode()
    families = {family.name: family for family in prometheus.text_string_to_metric_families(text)}
    assert families["score_seconds"].type == families["score_variant_seconds"].type == "histogram"
    assert families["score_model_info"].samples[0].labels == {
        **{"variant": "champion", "name": "", "version": _digest(everything)[:12]},
        "digest": _digest(everything),
    }


def _digest(trained: Trained) -> str:
    return str(json.loads((trained.model / "model.json").read_text(encoding="utf-8"))["digest"])


def test_the_openapi_document_describes_what_is_accepted(service: Service, everything: Trained) -> None:
    draft: Any = pytest.importorskip("jsonschema").Draft202012Validator
    document = json.loads(service.asked("GET", "/openapi.json")[2])
    assert document["openapi"] == "3.1.0"
    schema = {"$ref": "#/components/schemas/Request", "components": document["components"]}
    draft.check_schema(schema)
    validator = draft(schema)
    sent = rows(everything)
    for row in sent[:20]:
        validator.validate({"data": [row]})
    assert not validator.is_valid({"data": [{**sent[0], "radius": "x"}]})
    answer = {**schema, "$ref": "#/components/schemas/Answer"}
    draft(answer).validate(service.scored(request(sent[0]))[1])
    error = {**schema, "$ref": "#/components/schemas/Error"}
    draft(error).validate(service.scored("{")[1])
    assert document["security"] == [{"key": []}]


def test_the_log_is_kept_where_it_was_asked_for(everything: Trained, tmp_path: Path) -> None:
    words = ["--model", everything.model, "--log", tmp_path / "log", "--log-leave-out", "radius"]
    with serving(tmp_path, *words) as service:
        assert service.scored(request(rows(everything)[0]), x_request_id="kept")[0] == 200
    assert service.process.returncode == 0
    done = child("scoring/scored_parts", tmp_path / "log")
    assert done.returncode == 0, done.stderr
    from scoring import scored_parts

    kept = scored_parts.read(tmp_path / "log")
    assert "kept" in set(kept["request_id"])
    assert "input.radius" not in kept


def test_a_stop_answers_what_has_begun(everything: Trained, tmp_path: Path) -> None:
    """Large requests, more than there are threads, one of them still on its way: each gets its answer.

    An idle connection keeps nothing waiting: it may stay for 15 s, requests for 30.
    """
    body, answers = request(*rows(everything) * 15), list[int]()
    with serving(tmp_path, "--model", everything.model, "--no-log") as service, ExitStack() as stack:
        idle = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=20))
        idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200 OK")
        late = service.connection()
        late.putrequest("POST", "/score")
        late.putheader("Content-Length", str(len(body)))
        late.endheaders(body[:10].encode())
        asking = [threading.Thread(target=lambda: answers.append(service.scored(body)[0])) for _ in range(12)]
        for thread in asking:
            thread.start()
        while not answers:
            time.sleep(0.01)
        service.process.terminate()
        time.sleep(0.2)
        late.send(body[10:].encode())
        assert late.getresponse().status == 200
        for thread in asking:
            thread.join()
        answered = time.monotonic()
        assert service.process.wait(60) == 0
        assert time.monotonic() - answered < 12
    assert answers == [200] * 12


def test_a_killed_process_is_replaced_and_what_it_counted_stays(
    unlimited: Service, everything: Trained
) -> None:
    body = request(rows(everything)[0])
    assert [unlimited.scored(body)[0] for _ in range(5)] == [200] * 5
    os.kill(unlimited.workers()[0], signal.SIGKILL)

    def answers() -> bool:
        with suppress(OSError):
            return unlimited.scored(body)[0] == 200
        return False

    wait_until(answers, unlimited.text)
    assert 'score_requests_total{status="200"} 6.0' in unlimited.asked("GET", "/metrics")[2].decode()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="counts open files in /proc")
def test_more_connections_than_files_may_be_open_end_nothing(everything: Trained, tmp_path: Path) -> None:
    around = ["sh", "-c", 'ulimit -n 80; exec "$@"', "sh"]
    with serving(tmp_path, "--model", everything.model, "--no-log", around=around) as service:
        (worker,) = service.workers()
        with ExitStack() as stack:
            for _ in range(150):
                stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            time.sleep(1)
        assert service.scored(request(rows(everything)[0]))[0] == 200
        assert service.workers() == [worker]


def test_azure_s_own_server_answers_with_the_same_script(everything: Trained, tmp_path: Path) -> None:
    import score

    score.init(["--model", str(everything.model)])
    sent = request(*rows(everything)[:20])
    with serving(tmp_path, "--model", everything.model, "--no-log", "--azure-server") as service:
        status, headers, body = service.asked("GET", "/")
        assert (status, body) == (200, b"Healthy")
        assert "x-ms-request-id" in headers
        status, document = service.scored(sent, x_request_id="same")
        assert (status, document) == (200, {**score.run(sent).document, "request_id": "same"})
        status, document = service.scored("{}")
        assert (status, len(document["error"]["problems"])) == (400, 1)


def test_a_model_that_was_changed_is_not_served(everything: Trained, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "m"
    shutil.copytree(everything.model, folder)
    content = bytearray((folder / "model.pickle").read_bytes())
    content[1000] ^= 1
    (folder / "model.pickle").write_bytes(content)
    with pytest.raises(AssertionError) as caught, serving(tmp_path, "--model", folder):
        pass
    said = str(caught.value)
    assert f"error: {folder / 'model.pickle'} is not the model that was trained: its digest is " in said
    assert "Traceback" not in said


def test_the_script_alone_says_which_model_it_would_serve(everything: Trained) -> None:
    said: dict[str, Any] = json.loads(child("score", "--model", everything.model).stdout)
    assert said["folder"] == str(everything.model)
    assert (
        said["digest"] == json.loads((everything.model / "model.json").read_text(encoding="utf-8"))["digest"]
    )
