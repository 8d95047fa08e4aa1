"""What ``deploy`` refuses before anything is started."""

from __future__ import annotations

import pytest

from operation import cli
from operation.engine.foundation.layout import Layout
from support.azure import PRINCIPAL


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--list", "--delete", "flights"],
            "--list and --delete exclude each other. Give one.",
        ),
        (
            ["--model", "champion", "--traffic", "0.1"],
            "--model and --traffic exclude each other. Give one.",
        ),
        (["--list", "--traffic", "0"], "--list and --traffic exclude each other. Give one."),
        (["--dockerfile", "image"], "--dockerfile needs --package."),
        (
            ["--package", "--dockerfile", "src"],
            "src exists. Name a new folder, or remove it.",
        ),
        (
            ["--to", "acii", "--emulator"],
            "unknown deployment 'acii': there is no configuration/deployment/acii.yml. Did you mean 'aci'? "
            "Known: aci and aks.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_meant_starts_nothing(
    real_project: Layout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(real_project.root)
    assert cli.main(["deploy", *words]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"error: {message}\n")
    assert not real_project.runs.exists()


def test_a_mistake_in_its_file_is_told_with_its_line(
    real_project: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    file = real_project.configuration / "deployment" / "aci.yml"
    file.write_text("kind: aci\ncpu: 1\n", encoding="utf-8")
    assert cli.main(["deploy", "--to", "aci"]) == 2
    assert capsys.readouterr().err.startswith(
        "error: configuration/deployment/aci.yml:2: unknown key 'cpu' in a deployment of kind aci: expected "
    )


def test_without_a_subscription_the_emulator_is_named(
    real_project: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [*PRINCIPAL, "AZUREML_RUN_ID"]:
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["deploy", "--list"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: cannot open the Azure ML workspace\n  1. config.json: there is no ")
    assert said.endswith("\nNo subscription? Add --emulator to use the Azure ML emulator on this machine.\n")
