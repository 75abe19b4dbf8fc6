"""The life of a transform job: instances, health, every object in turn, end.

An object with a record that the model refuses has no output and fails the job; the others are transformed all the same.
"""

import logging
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from rehearsal.account import Account
from rehearsal.endpoints.instance import Instance
from rehearsal.errors import ClientFault
from rehearsal.jobs.job import Job
from rehearsal.models import Model
from rehearsal.transform.objects import Asking, BadAnswer
from rehearsal.uri import file_name, split

POLL_S = 0.1
SEE_LOGS = "See job logs for more information"


def run_transform(account: Account, job: Job, model: Model) -> None:
    """Runs it to its end."""
    folder = account.folder / "jobs" / "transform" / job.name
    try:
        job.update(TransformStartTime=time.time())
        with _instances(account, job, model, folder) as instances:
            failure = _healthy(account, job, instances) or _all_objects(account, job, instances)
        if job.wish is not None:
            job.end("Stopped")
        else:
            job.end("Failed" if failure else "Completed", reason=failure)
    except ClientFault as fault:
        job.end("Failed", reason=f"ClientError: {fault}")
    except Exception as error:
        logging.exception("transform job %s", job.name)
        job.end("Failed", reason=f"InternalServerError: {error}")


@contextmanager
def _instances(account: Account, job: Job, model: Model, folder: Path) -> Iterator[list[Instance]]:
    request, made = job.request, list[Instance]()
    told = {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(request.get("MaxPayloadInMB", 6)),
        "SAGEMAKER_BATCH_STRATEGY": request.get("BatchStrategy", "MultiRecord"),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(request.get("MaxConcurrentTransforms") or 1),
        **(request.get("Environment") or {}),
    }
    try:
        for _ in range(request["TransformResources"]["InstanceCount"]):
            name = f"i-{uuid.uuid4().hex[:17]}"
            log = (job.kind.log_group, f"{job.name}/{name}-{int(time.time())}")
            made.append(Instance(account, job.name, model, folder / name, log, told))
        yield made
    finally:
        for instance in made:
            instance.end()


def _healthy(account: Account, job: Job, instances: list[Instance]) -> str | None:
    """Waits until all are; why it fails where one does not get so."""
    ends = time.monotonic() + account.settings.health_s
    while job.wish is None and not all(instance.is_healthy() for instance in instances):
        if any(instance.has_ended() for instance in instances) or time.monotonic() > ends:
            return f"AlgorithmError: {SEE_LOGS}"
        time.sleep(POLL_S)
    return None


def _all_objects(account: Account, job: Job, instances: list[Instance]) -> str | None:
    """Transforms all objects, each instance its share; why the job fails, where it does."""
    asking = Asking.of(job.request)
    objects = _objects(account, job)
    at_once = job.request.get("MaxConcurrentTransforms") or 1
    failures: list[str] = []

    def one(numbered: tuple[int, tuple[str, str, str]]) -> None:
        number, (bucket, key, name) = numbered
        if job.wish is not None:
            return
        instance = instances[number % len(instances)]
        try:
            body = account.storage.client.get_object(Bucket=bucket, Key=key)["Body"].read()
            answer = asking.output(body, instance.invoke, lambda: job.wish is not None)
            if answer is not None:
                target, prefix = split(job.request["TransformOutput"]["S3OutputPath"])
                place = "/".join(filter(None, [prefix.rstrip("/"), f"{name}.out"]))
                account.storage.client.put_object(Bucket=target, Key=place, Body=answer)
        except BadAnswer as error:
            failures.append(error.side)
            _say(account, job, f"{bucket}/{key}: {error}")
        instance.pump()

    with ThreadPoolExecutor(at_once * len(instances)) as pool:
        for _ in pool.map(one, enumerate(objects)):
            pass
    return f"{max(failures)}: {SEE_LOGS}" if failures else None


def _objects(account: Account, job: Job) -> list[tuple[str, str, str]]:
    """Bucket and key of each object that is asked about, and its name below the prefix."""
    source = job.request["TransformInput"]["DataSource"]["S3DataSource"]
    if source["S3DataType"] == "ManifestFile":
        head, *names = account.storage.read_json(source["S3Uri"])
        return [(*split(head["prefix"] + name), name) for name in names]
    bucket, prefix = split(source["S3Uri"])
    return [(bucket, key, name) for key in account.storage.keys(source["S3Uri"]) if (name := file_name(key, prefix))]


def _say(account: Account, job: Job, text: str) -> None:
    """A line in the job's log of data."""
    group, stream = job.kind.log_group, f"{job.name}/data-log"
    with suppress(account.logs.exceptions.ResourceAlreadyExistsException):
        account.logs.create_log_stream(logGroupName=group, logStreamName=stream)
    event = {"timestamp": int(time.time() * 1000), "message": text[:10_000]}
    account.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
