"""Job files of version 2: azure-ai-ml's own loader reads them, and the command lines are the contract's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from operation import cli
from operation.engine import configuration
from operation.engine.foundation.layout import Layout, project
from operation.engine.identity.contract import read_contract

ROOT = Path(__file__).resolve().parents[3]
CASES = [("flights", "DEV"), ("flights", "PROD"), ("diabetes", "TEST")]


@dataclass(frozen=True)
class Exported:
    """What one call wrote."""

    configured: configuration.Configuration
    folder: Path

    def read(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = yaml.safe_load((self.folder / name).read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    use_case, environment = request.param
    folder = tmp_path_factory.mktemp("exported") / "azure"
    words = ["--use-case", use_case, "--environment", environment, "--output", str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_ROOT", str(ROOT))
        assert cli.main(["export", "azure-cli", *words]) == 0
        yield Exported(configuration.load(environment, use_case, Layout(ROOT)), folder)


def words_of(command: str) -> list[str]:
    """Return the words that a shell makes of `command`, once Azure ML has filled in the paths."""
    return shlex.split(re.sub(r"\$\{\{(\w+)\.(\w+)\}\}", r"/mnt/\1/\2", command))


def test_every_command_line_is_what_the_contract_makes_of_the_configuration(exported: Exported) -> None:
    nodes = exported.read("pipeline.yml")["jobs"]
    assert list(nodes) == list(exported.configured.steps)
    for name, step in exported.configured.steps.items():
        contract = read_contract(step.script)
        inputs = {key: f"/mnt/inputs/{key.replace('-', '_')}" for key in step.inputs}
        outputs = {key: f"/mnt/outputs/{key.replace('-', '_')}" for key in contract.outputs}
        expected = ["python", step.script.name, *contract.argv({**inputs, **step.arguments, **outputs})]
        assert words_of(nodes[name]["command"]) == expected
        assert words_of(exported.read(f"job-{name}.yml")["command"]) == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # its own, of marshmallow
def test_version_2_of_the_sdk_loads_every_file(exported: Exported) -> None:
    import azure.ai.ml

    version_2: Any = azure.ai.ml
    environment = version_2.load_environment(exported.folder / "environment.yml")
    packages = (ROOT / "configuration" / "environments" / "training.yml").read_text(encoding="utf-8")
    assert environment.conda_file == yaml.safe_load(packages)
    compute = version_2.load_compute(exported.folder / "compute-cpu-cluster.yml")
    assert (compute.type, compute.min_instances, compute.max_instances) == ("amlcompute", 0, 2)
    for name in exported.configured.steps:
        job = version_2.load_job(exported.folder / f"job-{name}.yml")
        assert (job.type, job.compute) == ("command", compute.name)
        assert job.environment == f"{environment.name}:{environment.version}"
        assert Path(exported.folder, job.code).resolve() == ROOT / "src"
    pipeline = version_2.load_job(exported.folder / "pipeline.yml")
    assert list(pipeline.jobs) == list(exported.configured.steps)
    judged = pipeline._validate()
    assert judged.passed, judged.error_messages


def test_a_step_reads_what_the_steps_before_it_wrote(exported: Exported) -> None:
    nodes = exported.read("pipeline.yml")["jobs"]
    for name, step in exported.configured.steps.items():
        alone = exported.read(f"job-{name}.yml")
        for key, value in step.inputs.items():
            one, place = nodes[name]["inputs"][key.replace("-", "_")], alone["inputs"][key.replace("-", "_")]
            before, _, output = value.partition(".")
            if before in nodes:
                output = output.replace("-", "_")
                assert one["path"] == f"${{{{parent.jobs.{before}.outputs.{output}}}}}"
                assert place == exported.read(f"job-{before}.yml")["outputs"][output]
            else:
                assert one == place
                assert Path(exported.folder, one["path"]).resolve() == (ROOT / value).resolve()


def test_the_version_of_the_environment_is_that_of_its_packages(tmp_path: Path) -> None:
    from operation.engine.configuration.targets import chosen_compute
    from operation.execution.azure_cli import Export

    configured = configuration.load("DEV", "diabetes", Layout(ROOT))
    compute = chosen_compute(Layout(ROOT), configured)
    here = Export(configured, Layout(ROOT), tmp_path, compute)
    assert here.version == Export(configured, Layout(ROOT), tmp_path / "elsewhere", compute).version
    assert here.version != Export(configured, Layout(ROOT), tmp_path, compute, image="ubuntu").version


def test_what_to_type_next(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "azure"
    assert cli.main(["export", "azure-cli", "--use-case", "diabetes", "--output", str(folder)]) == 0
    place = project().relative(folder)
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "next   az configure --defaults group=rg-workbenchdev workspace=amlworkbenchdev",
        f"       az ml compute create --file {place}/compute-cpu-cluster.yml",
        f"       az ml environment create --file {place}/environment.yml",
        f"       az ml job create --file {place}/pipeline.yml --stream",
    ]


def test_a_compute_that_version_2_cannot_use(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["export", "azure-cli", "--compute", "local", "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        "error: compute 'local' is of kind local, and job files (v2) need kind amlcompute. "
        "Name another with --compute.\n"
    )


def test_a_folder_that_cannot_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["export", "azure-cli", "--output", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err == (
        f"error: cannot write {tmp_path / 'file'}: File exists. Name another --output.\n"
    )
