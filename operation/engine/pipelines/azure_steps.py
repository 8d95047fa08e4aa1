"""The steps of Azure's jobs: scripts, checkouts, artifacts, and the few tasks that a local run covers."""

from __future__ import annotations

from operation.engine.pipelines.expressions import AZURE
from operation.engine.pipelines.model import Kind, Step
from operation.engine.pipelines.parts import step_of
from operation.engine.pipelines.tree import Node

_KINDS = dict.fromkeys(("script", "bash"), Kind.COMMAND) | {
    "checkout": Kind.CHECKOUT,
    "publish": Kind.PUBLISH,
    "download": Kind.DOWNLOAD,
}
_STEP = """script bash task checkout publish download artifact patterns inputs displayName name condition env
    continueOnError enabled timeoutInMinutes fetchDepth fetchTags clean persistCredentials lfs submodules path
    retryCountOnTaskFailure"""
_UNCOVERED = "powershell pwsh getPackage reviewApp workingDirectory failOnStderr"
# task -> kind, input of its text, input of its artifact
_TASKS = {
    "UsePythonVersion@0": (Kind.PYTHON, "versionSpec", ""),
    "AzureCLI@2": (Kind.COMMAND, "inlineScript", ""),
    "PublishTestResults@2": (Kind.RESULTS, "testResultsFiles", ""),
    "PublishCodeCoverageResults@2": (Kind.RESULTS, "summaryFileLocation", ""),
    "PublishPipelineArtifact@1": (Kind.PUBLISH, "targetPath", "artifact"),
    "DownloadPipelineArtifact@2": (Kind.DOWNLOAD, "targetPath", "artifact"),
}


def read_step(node: Node) -> Step:
    """Read one step; refuse what a local run does not cover."""
    node.require_keys(_STEP, "of a step", _UNCOVERED)
    if "task" in node.items():
        return _task(node)
    kind = next((key for key in _KINDS if key in node.items()), "")
    if not kind:
        raise node.refuse("a step needs 'bash', 'script', 'task', 'checkout', 'publish' or 'download'.")
    if kind == "publish" and not node.word("artifact"):
        raise node.refuse("'publish' needs 'artifact: NAME' beside it.")
    return step_of(node, AZURE, _KINDS[kind], node.word(kind), artifact=node.word("artifact"))


def _task(node: Node) -> Step:
    inputs, task = node.texts("inputs"), node.word("task")
    if task not in _TASKS:
        raise node.items()["task"].refuse(
            f"task '{task}' is not covered by a local run. Write a workbench command as 'bash', or one of "
            f"{', '.join(_TASKS)}."
        )
    inline = (inputs.get("scriptType"), inputs.get("scriptLocation")) == ("bash", "inlineScript")
    if task == "AzureCLI@2" and not inline:
        raise node.refuse("AzureCLI@2 is covered with 'scriptType: bash' and 'scriptLocation: inlineScript'.")
    kind, text, artifact = _TASKS[task]
    login, artifact = inputs.get("azureSubscription", ""), inputs.get(artifact, "")
    return step_of(node, AZURE, kind, inputs.get(text, ""), artifact=artifact, login=login)
