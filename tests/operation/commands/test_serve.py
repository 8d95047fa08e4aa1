"""What ``serve`` passes on, and what it refuses before anything starts."""

from __future__ import annotations

import argparse
import errno
import os
import socket
from pathlib import Path

import pytest

from operation.commands import serve
from operation.engine.delivery.serving.lookup import find_model, registry_arguments
from operation.engine.delivery.serving.settings import read_keys
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import project


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return parser.parse_args(words)


def test_it_listens_on_this_computer_only_unless_asked_and_then_with_a_key() -> None:
    assert parsed().host == "127.0.0.1"
    for host in ("127.0.0.1", "::1", "localhost"):
        serve.check_address(host, 5001, ())
    serve.check_address("0.0.0.0", 5001, ("a-key-that-is-long",))
    with pytest.raises(UsageError) as caught:
        serve.check_address("0.0.0.0", 5001, ())
    assert str(caught.value) == (
        "--host: 0.0.0.0 can be reached by others: give --key-file, or listen on 127.0.0.1"
    )
    with pytest.raises(UsageError) as caught:
        serve.check_address("127.0.0.1", 70_000, ())
    assert str(caught.value) == "--port: 70000 is no port: give 1 to 65535"


def test_keys_stand_one_a_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("first-key-of-the-two\n\n  second-key-of-the-two\n", encoding="ascii")
    assert read_keys(file) == ("first-key-of-the-two", "second-key-of-the-two")
    assert read_keys(None) == ()


@pytest.mark.parametrize("text", ["", "short\n", "long-enough-to-be-one\nshort"])
def test_keys_that_are_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(text, encoding="ascii")
    with pytest.raises(UsageError) as caught:
        read_keys(file)
    assert str(caught.value) == (
        f"--key-file: {file} must hold one API key per line, each of at least 16 characters. Create one: "
        'python3 -c "import secrets; print(secrets.token_urlsafe())"'
    )


def test_a_key_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--key-file: cannot read "):
        read_keys(tmp_path / "keys")


def test_an_alias_is_looked_up_in_the_registry_of_the_use_case() -> None:
    words = registry_arguments(project(), "DEV", "diabetes")
    assert words == ["--name", "diabetes", "--tracking-uri", "sqlite:///runs/mlflow.db"]
    given = parsed("--environment", "DEV", "--use-case", "diabetes")
    assert serve.model_words("--model", "champion", given, project()) == [*words, "--alias", "champion"]


def test_a_folder_that_is_not_there() -> None:
    with pytest.raises(UsageError) as caught:
        serve.model_words("--model", "runs/no/model", parsed(), project())
    assert str(caught.value) == (
        "--model: there is no folder runs/no/model; name one, or an alias such as champion"
    )


def test_a_folder_without_a_model_is_told_as_the_script_tells_it(tmp_path: Path) -> None:
    with pytest.raises(StepFailed) as caught:
        find_model(project(), ["--model", str(tmp_path)])
    assert str(caught.value) == (
        f"{tmp_path} holds no model: name its folder, the one with model.pickle and model.json"
    )


def test_what_is_redacted_goes_to_the_script() -> None:
    given = parsed("--log", "logs", "--log-hash", "carrier", "--log-full", "answer", "--threshold", "0.3")
    words = serve.script_words(given, project())
    assert words[:4] == ("--threshold", "0.3", "--most-rows", "10000")
    assert words[4:] == (
        *("--log", str(Path("logs").resolve()), "--log-full", "answer"),
        *("--log-hash", "carrier"),
    )
    assert "--log" not in serve.script_words(parsed("--no-log"), project())


def test_a_port_that_is_taken() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        with pytest.raises(UsageError) as caught:
            serve.check_free("127.0.0.1", port)
    assert str(caught.value) == (
        f"--port: cannot listen on 127.0.0.1:{port}: {os.strerror(errno.EADDRINUSE)}; name another"
    )
    serve.check_free("127.0.0.1", port)
