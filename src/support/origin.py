"""Who runs this, and in which run of CI: what a ledger says beside a decision."""

import getpass
import os
from urllib.parse import quote


def actor() -> str:
    """Return whom CI names, else the user of this machine."""
    named = os.environ.get("BUILD_REQUESTEDFOR") or os.environ.get("GITHUB_ACTOR")
    try:
        return named or getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def ci_run() -> str | None:
    """Return the address of the run in Azure DevOps or GitHub that this is part of, None elsewhere."""
    names = os.environ
    if "GITHUB_RUN_ID" in names:
        server, repository = names.get("GITHUB_SERVER_URL", ""), names.get("GITHUB_REPOSITORY", "")
        return f"{server}/{repository}/actions/runs/{names['GITHUB_RUN_ID']}"
    if "BUILD_BUILDID" in names:
        project = names.get("SYSTEM_COLLECTIONURI", "") + quote(names.get("SYSTEM_TEAMPROJECT", ""))
        return f"{project}/_build/results?buildId={names['BUILD_BUILDID']}"
    return None
