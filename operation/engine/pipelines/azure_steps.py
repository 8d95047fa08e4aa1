"""The steps of Azure's jobs: scripts, checkouts, artifacts, and the few tasks that a local run covers."""

from __future__ import annotations

from operation.engine.pipelines.model import CHECKOUT, COMMAND, DOWNLOAD, PUBLISH, PYTHON, RESULTS, Step
from operation.engine.pipelines.tree import Node

_STEP = (  # noqa: SIM905 - a word a line is no easier to read
    "script bash task checkout publish artifact download patterns inputs displayName name "
    "condition env continueOnError enabled timeoutInMinutes workingDirectory failOnStderr "
    "fetchDepth fetchTags clean persistCredentials lfs submodules path "
    "retryCountOnTaskFailure"
).split()


def read_step(node: Node) -> Step:
    """Read one step; refuse what a local run does not cover."""
    node.require_keys(_STEP, "of a step", ["powershell", "pwsh", "getPackage", "reviewApp"])
    kind = next(
        (key for key in ("script", "bash", "task", "checkout", "publish", "download") if key in node.items()),
        "",
    )
    if not kind:
        raise node.refuse("a step needs 'bash', 'script', 'task', 'checkout', 'publish' or 'download'.")
    if kind == "task":
        return _task(node)
    kinds = {"checkout": CHECKOUT, "publish": PUBLISH, "download": DOWNLOAD}
    artifact = node.word("artifact")
    if kind == "publish" and not artifact:
        raise node.refuse("'publish' needs 'artifact: NAME' beside it.")
    return _with(node, kinds.get(kind, COMMAND), node.word(kind), artifact=artifact)


def _task(node: Node) -> Step:
    inputs = node.get("inputs")
    task = node.word("task")

    def value(key: str, default: str = "") -> str:
        return inputs.word(key, default) if inputs else default

    if task == "UsePythonVersion@0":
        return _with(node, PYTHON, value("versionSpec"))
    if task == "AzureCLI@2":
        if value("scriptLocation", "scriptPath") != "inlineScript" or value("scriptType") != "bash":
            raise node.refuse(
                "AzureCLI@2 is covered with 'scriptType: bash' and 'scriptLocation: inlineScript'."
            )
        return _with(node, COMMAND, value("inlineScript"), login=value("azureSubscription"))
    if task in {"PublishTestResults@2", "PublishCodeCoverageResults@2"}:
        return _with(node, RESULTS, value("testResultsFiles") or value("summaryFileLocation"))
    if task in {"PublishPipelineArtifact@1", "PublishBuildArtifacts@1"}:
        text = value("targetPath") or value("PathtoPublish")
        return _with(node, PUBLISH, text, artifact=value("artifact") or value("ArtifactName", "drop"))
    if task == "DownloadPipelineArtifact@2":
        return _with(node, DOWNLOAD, value("targetPath"), artifact=value("artifact"))
    raise node.items()["task"].refuse(
        f"task '{task}' is not covered by a local run. Write a workbench command as 'bash', or one of "
        "UsePythonVersion@0, AzureCLI@2, PublishTestResults@2, PublishCodeCoverageResults@2, "
        "PublishPipelineArtifact@1, DownloadPipelineArtifact@2."
    )


def _with(node: Node, kind: str, text: str, *, artifact: str = "", login: str = "") -> Step:
    env = node.get("env")
    off = node.word("enabled") == "false"
    minutes = node.get("timeoutInMinutes")
    return Step(
        kind,
        node,
        node.word("displayName"),
        text.strip(),
        node.word("name"),
        "false" if off else node.word("condition"),
        artifact,
        {key: value.text() for key, value in env.items().items()} if env else {},
        login,
        node.word("continueOnError") == "true",
        minutes_of(minutes) if minutes else None,
    )


def minutes_of(node: Node) -> float:
    """Return a time limit of a file in seconds."""
    try:
        return 60 * float(node.text())
    except ValueError:
        raise node.refuse(f"expected a number of minutes, found {node.text()!r}.") from None
