"""A batch transform job of SageMaker: begun or found again, waited for, stopped; its model is removed at the end."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from finetune.asked import Asked
from finetune.config.transform import TransformConfig
from finetune.errors import ComputeError
from finetune.storage.uri import join
from finetune.transform.here import LINES
from finetune.transform.work import Work
from operators.endpoint_request import model_request, tag_list
from operators.jobs import LAST_LINES, RUNNING, Clients, Say
from operators.logs import LogTail
from operators.names import job_name
from operators.pauses import pauses
from operators.request import AccountSettings, volume_key
from operators.transient import patiently

POLL_S = 5.0
KIND = "Transform"
LONGEST_ANSWER_S = 3600
GONE = ("Could not find", "resource not found")


@dataclass(frozen=True)
class Wanted:
    """A transform on SageMaker."""

    stem: str
    """What the jobs' names begin with: the experiment and its run."""
    package: str
    """Address of the model.tar.gz in S3."""
    image: str
    account: AccountSettings
    settings: TransformConfig
    tags: Mapping[str, str]


def ask_sagemaker(
    clients: Clients, work: Work, todo: Sequence[str], wanted: Wanted, say: Say, poll_s: float = POLL_S
) -> None:
    """Asks about each file in one job; one that runs already, from an interrupted call, is waited for first.

    Args:
        clients: Gives the client of a service.
        work: The transform's folder, in S3.
        todo: Names of the files without an output.
        wanted: Model, machines and account.
        say: Takes a line.
        poll_s: Seconds between two looks.

    Raises:
        ComputeError: AWS refuses, or the job failed or was stopped; outputs that are whole stay.
    """
    for attempt in count(1):
        name = job_name(wanted.stem, "transform", work.folder, str(attempt))
        job = _described(clients, name)
        if job is not None and job["TransformJobStatus"] not in RUNNING:
            continue
        if job is None:
            if attempt > 1:  # what an earlier one has done is done
                todo = [part for part in todo if not work.storage.exists(work.output(part))]
            if not todo:
                return
            _begin(clients, name, work, todo, wanted)
        machines = f"{wanted.settings.instance_count} x {wanted.settings.instance_type}"
        say(f"transform job {name}: {len(todo)} files on {machines}")
        try:
            with Asked("transform: stopping the job; outputs that are whole stay") as asked:
                _wait(clients, name, say, poll_s, asked)
        finally:
            _stop(clients, name)
            _remove_model(clients, name)
        left = [part for part in todo if not work.storage.exists(work.output(part))]
        if not left:
            return
        if job is None:
            raise ComputeError(f"transform job {name} completed, but {work.output(left[0])} is not there")


def transform_request(name: str, work: Work, wanted: Wanted) -> dict[str, Any]:
    """The arguments of create_transform_job; its manifest lies beside the work's input. Pure."""
    settings, key = wanted.settings, wanted.account.kms_key
    source = {"S3DataType": "ManifestFile", "S3Uri": manifest_of(work, name)}
    processing = {
        "InputFilter": settings.input_filter,
        "OutputFilter": settings.output_filter,
        "JoinSource": settings.join_source,
    }
    resources = {"InstanceType": settings.instance_type, "InstanceCount": settings.instance_count}
    return {
        "TransformJobName": name,
        "ModelName": name,
        "BatchStrategy": settings.strategy,
        "MaxPayloadInMB": settings.max_payload_mb,
        "MaxConcurrentTransforms": settings.max_concurrent,
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": LONGEST_ANSWER_S},
        "TransformInput": {"DataSource": {"S3DataSource": source}, "ContentType": LINES, "SplitType": "Line"},
        "TransformOutput": {
            "S3OutputPath": join(work.folder, "output"),
            "Accept": LINES,
            "AssembleWith": "Line",
            **({"KmsKeyId": key} if key is not None else {}),
        },
        "TransformResources": resources | volume_key("VolumeKmsKeyId", settings.instance_type, wanted.account),
        "DataProcessing": processing,
        "Tags": tag_list({**wanted.account.tags, **wanted.tags}),
    }


def manifest_of(work: Work, name: str) -> str:
    """Where the job's list of files lies."""
    return join(work.folder, f"{name}.manifest")


def _begin(clients: Clients, name: str, work: Work, todo: Sequence[str], wanted: Wanted) -> None:
    manifest = [{"prefix": join(work.folder, "input") + "/"}, *todo]
    work.storage.write(manifest_of(work, name), json.dumps(manifest).encode())
    client = clients("sagemaker")
    model = model_request(name, wanted.image, wanted.package, wanted.account, wanted.tags)
    for call, request in (
        (client.create_model, model),
        (client.create_transform_job, transform_request(name, work, wanted)),
    ):

        def create(call: Any = call, request: Any = request) -> None:
            try:
                call(**request)
            except ClientError as error:  # an answer that was lost: it is there already
                if "already exist" not in str(error):
                    raise

        try:
            patiently(create, f"transform job {name}")
        except ComputeError:
            _remove_model(clients, name)
            raise


def _wait(clients: Clients, name: str, say: Say, poll_s: float, asked: Asked) -> None:
    """Waits until it has ended, and says its lines as they come.

    Raises:
        ComputeError: It failed or was stopped.
        KeyboardInterrupt: Somebody has asked this process to stop.
    """
    tail = LogTail(clients, name, KIND)
    for pause in pauses(poll_s):
        job = _described(clients, name) or {"TransformJobStatus": "Failed", "FailureReason": "it is gone"}
        for line in tail.new():
            say(line)
        status = job["TransformJobStatus"]
        if status == "Completed":
            return
        if asked.number:
            raise KeyboardInterrupt
        if status not in RUNNING:
            lines = tail.last(LAST_LINES)
            shown = "\n".join(["its last lines:", *lines]) if lines else "it printed nothing"
            reason = job.get("FailureReason") or "somebody asked it to stop"
            raise ComputeError(f"transform job {name} {status.lower()}: {reason}\n{shown}")
        time.sleep(pause)


def _stop(clients: Clients, name: str) -> None:
    """Asks it to stop, if it still runs."""

    def stop() -> None:
        job = _described(clients, name)
        if job is not None and job["TransformJobStatus"] == "InProgress":
            clients("sagemaker").stop_transform_job(TransformJobName=name)

    patiently(stop, f"stopping transform job {name}")


def _remove_model(clients: Clients, name: str) -> None:
    def remove() -> None:
        try:
            clients("sagemaker").delete_model(ModelName=name)
        except ClientError as error:
            if not _is_missing(error):
                raise

    patiently(remove, f"removing model {name}")


def _described(clients: Clients, name: str) -> dict[str, Any] | None:
    """What AWS says of the job; None if there is none."""

    def ask() -> dict[str, Any] | None:
        try:
            return dict(clients("sagemaker").describe_transform_job(TransformJobName=name))
        except ClientError as error:
            if _is_missing(error):
                return None
            raise

    return patiently(ask, f"asking for transform job {name}")


def _is_missing(error: ClientError) -> bool:
    return any(word in str(error) for word in GONE)
