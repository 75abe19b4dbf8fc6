"""Data capture: requests and answers as JSON Lines in S3, in the layout of SageMaker's model monitor."""

import base64
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from rehearsal.account import Account
from rehearsal.uri import split

Body = tuple[str, bytes]
"""Content type and bytes."""
SIDES = {"Input": ("endpointInput", "INPUT"), "Output": ("endpointOutput", "OUTPUT")}


def capture(
    account: Account, config: dict[str, Any], below: str, given: tuple[Body, Body], inference: str | None
) -> None:
    """Writes one invocation: `below` is ENDPOINT/VARIANT, `given` request and answer."""
    if not config.get("EnableCapture", True):
        return
    now = datetime.now(UTC)
    wanted = {option["CaptureMode"] for option in config["CaptureOptions"]}
    captured = {
        SIDES[side][0]: _side(config, SIDES[side][1], body)
        for side, body in zip(SIDES, given, strict=True)
        if wanted & {side, "InputAndOutput"}
    }
    event = {"eventId": str(uuid.uuid4()), "inferenceTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
    if inference is not None:
        event["inferenceId"] = inference
    line = json.dumps({"captureData": captured, "eventMetadata": event, "eventVersion": "0"})
    bucket, prefix = split(config["DestinationS3Uri"])
    name = f"{now:%Y/%m/%d/%H}/{now:%M-%S}-{now.microsecond // 1000:03d}-{event['eventId']}.jsonl"
    key = "/".join(filter(None, [prefix.rstrip("/"), below, name]))
    account.storage.client.put_object(Bucket=bucket, Key=key, Body=f"{line}\n".encode())


def _side(config: dict[str, Any], mode: str, body: Body) -> dict[str, str]:
    """CSV and JSON as the config names their types, all else as base64."""
    kind, content = body
    named = config.get("CaptureContentTypeHeader") or {}
    encodings = {"CSV": named.get("CsvContentTypes", []), "JSON": named.get("JsonContentTypes", [])}
    encoding = next((name for name, kinds in encodings.items() if kind.partition(";")[0] in kinds), "BASE64")
    data = base64.b64encode(content).decode() if encoding == "BASE64" else content.decode(errors="replace")
    return {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}
