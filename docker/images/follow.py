"""A build of CodeBuild from its start to its end: says its phases, and stops it where we are asked to stop."""

import sys
from typing import Any

from images.errors import ImageError
from images.failure import Build, failure
from images.interrupt import Interrupt

RUNS = "IN_PROGRESS"
FIRST_S, LONGEST_S, LONGER = 0.5, 15.0, 1.5
"""Pauses between two looks: short at first, since what is wrong with a project shows at once."""


def follow(client: Any, build: Build, interrupt: Interrupt) -> None:
    """Waits until a build has succeeded.

    Raises:
        ImageError: It failed or was stopped, by us or by others; or AWS no longer answers, and it may go on.
    """
    told: set[str] = set()
    pause, region = FIRST_S, client.meta.region_name
    while True:
        _say(build, told)
        if build["buildStatus"] != RUNS:
            break
        interrupt.wait(pause)
        pause = min(pause * LONGER, LONGEST_S)
        build = _stop(client, build["id"]) if interrupt.taken() else _look(client, build["id"])
    if build["buildStatus"] == "STOPPED":
        raise ImageError(f"CodeBuild: build {build['id']} was stopped, and nothing of it runs any more")
    if build["buildStatus"] != "SUCCEEDED":
        raise ImageError(failure(build, region))


def _look(client: Any, build_id: str) -> Build:
    return dict(_asked(client, "batch_get_builds", build_id, ids=[build_id])["builds"][0])


def _stop(client: Any, build_id: str) -> Build:
    print(f"{build_id}: stopping it; wait for its end, or it is billed on", file=sys.stderr)
    return dict(_asked(client, "stop_build", build_id, id=build_id)["build"])


def _asked(client: Any, operation: str, build_id: str, **arguments: Any) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return getattr(client, operation)(**arguments)
    except (ClientError, BotoCoreError) as error:
        raise ImageError(
            f"codebuild {operation}: {error}; the build may go on and push its images; to end it: "
            f"aws codebuild stop-build --id {build_id} --region {client.meta.region_name}"
        ) from error


def _say(build: Build, told: set[str]) -> None:
    """Says each phase once, when it has ended, and where the log is as soon as there is one."""
    if "log" not in told and build.get("logs", {}).get("streamName"):
        told.add("log")
        print(f"{build['id']}: log at {build['logs'].get('deepLink')}", file=sys.stderr)
    for phase in build.get("phases", []):
        kind, status = phase["phaseType"], phase.get("phaseStatus")
        if status not in (None, RUNS) and kind not in told:
            told.add(kind)
            print(f"{build['id']}: {kind} {status} ({phase.get('durationInSeconds', 0)} s)", file=sys.stderr)
