"""What a build of CodeBuild that failed says of itself: phase, message, last lines of its log, where the log is."""

from typing import Any

from images import aws

LINES = 25
Build = dict[str, Any]


def failure(build: Build, region: str) -> str:
    """Gives the text of the error; where the log cannot be read, the reason stands in its place."""
    log = "\n".join(f"  {line}" for line in _last_lines(build.get("logs", {}), region))
    return "\n".join(
        [
            f"CodeBuild: build {build['id']} ended as {build['buildStatus']}{_reason(build)}",
            f"last lines of its log:\n{log}",
            f"all of it: {build.get('logs', {}).get('deepLink', 'there is no log')}",
        ]
    )


def _reason(build: Build) -> str:
    """Gives phase and message of what went wrong first: later phases often only follow from it."""
    for phase in build.get("phases", []):
        if phase.get("phaseStatus") not in (None, "SUCCEEDED"):
            said = "; ".join(each["message"] for each in phase.get("contexts", []) if each.get("message"))
            return f" in phase {phase['phaseType']}: {said or phase['phaseStatus']}"
    return ""


def _last_lines(logs: dict[str, Any], region: str) -> list[str]:
    from botocore.exceptions import BotoCoreError, ClientError

    if not logs.get("groupName") or not logs.get("streamName"):
        return ["(none: it ended before its first command)"]
    place = {"logGroupName": logs["groupName"], "logStreamName": logs["streamName"]}
    try:
        found = aws.client("logs", region).get_log_events(**place, limit=LINES)["events"]
    except (ClientError, BotoCoreError) as error:
        return [f"(it cannot be read: {error})"]
    return [line for event in found for line in str(event["message"]).rstrip().splitlines()]
