"""The steps of Azure's jobs: scripts, checkouts, artifacts, and the few tasks that a local run covers."""

from __future__ import annotations

from operation.engine.pipelines.expressions import AZURE
from operation.engine.pipelines.model import CHECKOUT, COMMAND, DOWNLOAD, PUBLISH, PYTHON, RESULTS, Step
from operation.engine.pipelines.parts import step_of
from operation.engine.pipelines.tree import Node

_KINDS = dict.fromkeys(("script", "bash"), COMMAND) | {
    "task": "",
    "checkout": CHECKOUT,
    "publish": PUBLISH,
    "download": DOWNLOAD,
}
_STEP = """script bash task checkout publish download artifact patterns inputs displayName name condition env
    continueOnError enabled timeoutInMinutes fetchDepth fetchTags clean persistCredentials lfs submodules path
    retryCountOnTaskFailure"""
_UNCOVERED = "powershell pwsh getPackage reviewApp workingDirectory failOnStderr"
# task -> kind, input of its text, input of its artifact
_TASKS = {
    "UsePythonVersion@0": (PYTHON, "versionSpec", ""),
    "AzureCLI@2": (COMMAND, "inlineScript", ""),
    "PublishTestResults@2": (RESULTS, "testResultsFiles", ""),
    "PublishCodeCoverageResults@2": (RESULTS, "summaryFileLocation", ""),
    "PublishPipelineArtifact@1": (PUBLISH, "targetPath", "artifact"),
    "DownloadPipelineArtifact@2": (DOWNLOAD, "targetPath", "artifact"),
}


def read_step(node: Node) -> Step:
    """Read one step; refuse what a local run does not cover."""
    node.require_keys(_STEP, "of a step", _UNCOVERED)
    kind = next((key for key in _KINDS if key in node.items()), "")
    if not kind:
        raise node.refuse("a step needs 'bash', 'script', 'task', 'checkout', 'publish' or 'download'.")
    if kind == "task":
        return _task(node)
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
