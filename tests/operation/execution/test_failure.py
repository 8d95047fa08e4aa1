"""What a person reads of a remote failure, from logs as they come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from operation.engine.steps.failures import ScriptFailed
from operation.execution.failure import RemoteError, script_failed, sdk_errors

TRACEBACK = """\
starting
Traceback (most recent call last):
  File "/mnt/azureml/cr/j/1/exe/wd/train.py", line 12, in <module>
    main()
  File "/mnt/azureml/cr/j/1/exe/wd/words.py", line 3, in count
    return {}[name]
  File "/opt/miniconda/lib/python3.11/site-packages/pandas/words.py", line 99, in get
    raise KeyError(name)
KeyError: 'carrier'
[2026-11-22] The experiment failed. Finalizing run...
"""
FAILED = {"status": "Failed", "error": {"error": {"message": "User program failed"}}}


@pytest.fixture
def script(tmp_path: Path) -> Path:
    for name in ("train.py", "words.py"):
        (tmp_path / name).touch()
    return tmp_path / "train.py"


def test_the_innermost_line_of_the_snapshot_is_the_place(script: Path) -> None:
    failed = script_failed(script, FAILED, TRACEBACK)
    assert str(failed) == "src/words.py:3: KeyError: 'carrier'"
    assert failed.details["type"] == "KeyError"
    assert failed.details["traceback"].startswith("Traceback (most recent call last)")
    assert failed.details["traceback"].endswith("User program failed")


def test_paths_of_windows_are_read_too(script: Path) -> None:
    log = TRACEBACK.replace("/mnt/azureml/cr/j/1/exe/wd/", "C:\\jobs\\wd\\")
    assert str(script_failed(script, FAILED, log)) == "src/words.py:3: KeyError: 'carrier'"


def test_an_exception_without_words_has_its_type(script: Path) -> None:
    log = TRACEBACK.replace("KeyError: 'carrier'", "pandera.errors.SchemaErrors")
    assert script_failed(script, FAILED, log).details["message"] == "SchemaErrors"


def test_the_words_of_a_step_error_are_the_message(script: Path) -> None:
    failed = script_failed(script, FAILED, "read 3 rows\nerror: the table is empty: widen the period\n")
    assert str(failed) == "the table is empty: widen the period"
    assert failed.details["type"] == "StepError"
    assert failed.exit_code == 1


@pytest.mark.parametrize(
    "said", ["Process exited with code 3", "the user program exited with status code: 3", "SystemExit: 3"]
)
def test_a_rejection_is_known_by_its_exit_code(script: Path, said: str) -> None:
    details = {"status": "Failed", "error": {"error": {"message": said}}}
    failed = script_failed(script, details, "error: the gate rejected the model\n")
    assert (failed.details["type"], failed.exit_code) == ("GateRejected", 3)


def test_a_run_that_said_nothing_has_the_words_of_the_service(script: Path) -> None:
    failed = script_failed(script, FAILED, "half way\n")
    assert str(failed) == "User program failed"
    assert failed.details["traceback"] == "half way\nUser program failed"
    assert failed.details["file"] is None


@pytest.mark.parametrize(
    ("details", "message"),
    [
        ({"status": "Canceled", "error": None}, "the run was cancelled"),
        ({"status": "Failed", "error": None}, "the process was killed without output (out of memory?)"),
    ],
)
def test_a_run_that_nobody_speaks_for(script: Path, details: dict[str, object], message: str) -> None:
    failed = script_failed(script, details, "")
    assert isinstance(failed, ScriptFailed)
    assert failed.details["message"] == message


class RefusalError(Exception):
    """Stands for one of the SDK's."""

    __module__ = "azureml.exceptions"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{\n  "error": {\n "message": "no \\"x\\" here"\n }\n}', 'no "x" here'),
        ("HTTPSConnectionPool(host='api', port=443): Max retries", "no connection to api:443."),
        ("{\n  first line\n second", "first line"),
        ("", "no reason was given"),
    ],
)
def test_what_the_sdk_raises_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(RemoteError) as caught, sdk_errors("listing models"):
        raise RefusalError(text)
    assert str(caught.value).startswith(f"listing models: RefusalError: {sentence}")


def test_what_others_raise_goes_on() -> None:
    with pytest.raises(ValueError, match="mine"), sdk_errors("listing models"):
        raise ValueError("mine")
