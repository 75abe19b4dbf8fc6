"""The life of a processing job: inputs, hosts, outputs as they come or at the end, end."""

import logging
import shutil
import time
from pathlib import Path
from typing import Any

from rehearsal.account import Account
from rehearsal.errors import ClientFault
from rehearsal.images import find_image
from rehearsal.jobs import hosts as machines
from rehearsal.jobs.hosts import Host
from rehearsal.jobs.job import Job
from rehearsal.jobs.outcome import processing_outcome
from rehearsal.jobs.supervise import Deadlines, exit_codes, supervise

FOLDERS = ("/opt/ml/config", "/opt/ml/processing/input", "/opt/ml/processing/output", "/opt/ml/output")
LONGEST_MESSAGE = 1024


def run_processing(account: Account, job: Job) -> None:
    """Runs it to its end."""
    folder = account.folder / "jobs" / "processing" / job.name
    try:
        _run(account, job, folder)
    except ClientFault as fault:
        job.end("Failed", reason=f"ClientError: {fault}")
    except Exception as error:
        logging.exception("processing job %s", job.name)
        job.end("Failed", reason=f"InternalServerError: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(account: Account, job: Job, folder: Path) -> None:
    request, started = job.request, time.time()
    specification = request["AppSpecification"]
    uri = specification["ImageUri"]
    image = find_image(account.settings.images, uri)
    if image is None:
        raise ClientFault(f"API error (404): manifest for {uri} not found: manifest unknown: Requested image not found")
    cluster = request["ProcessingResources"]["ClusterConfig"]
    hosts = machines.make_hosts(folder, cluster["InstanceCount"], image, FOLDERS)
    for number, host in enumerate(hosts):
        _furnish(account, job, host, hosts, number)
    job.update(ProcessingStartTime=started)
    command = (specification.get("ContainerEntrypoint") or image.process) + (
        specification.get("ContainerArguments") or []
    )
    environment = request.get("Environment") or {}
    containers = [machines.start(account, job, host, image, command, environment) for host in hosts]
    running = [
        (container, machines.follow(account, job, host, container, int(started), lambda line: None))
        for host, container in zip(hosts, containers, strict=True)
    ]
    uploads = _Uploads(account, job, hosts)
    seconds = (request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", 86_400)
    why = supervise(
        job,
        running,
        deadlines=Deadlines(started + seconds),
        grace_s=account.settings.stop_grace_s,
        sync=lambda: uploads.send("Continuous"),
        sync_s=account.settings.sync_s,
    )
    killed = any(machines.ran_out_of_memory(container) for container in containers)
    outcome = processing_outcome(exit_codes(running), why, killed)
    if outcome.status != "Failed":
        uploads.send("EndOfJob")
    message = hosts[0].path("/opt/ml/output/message")
    said = {"ExitMessage": message.read_text(errors="replace")[:LONGEST_MESSAGE]} if message.is_file() else {}
    job.end(outcome.status, reason=outcome.reason, **said)


def _furnish(account: Account, job: Job, host: Host, hosts: list[Host], number: int) -> None:
    """Puts the platform's files and the inputs where the job looks for them; makes the output folders."""
    request = job.request
    arn = {"ProcessingJobArn": job.arn, "ProcessingJobName": job.name}
    host.write_config("/opt/ml/config/processingjobconfig.json", request | arn)
    names = [each.name for each in hosts]
    kind = request["ProcessingResources"]["ClusterConfig"]["InstanceType"]
    resources = {
        "current_host": host.name,
        "hosts": names,
        "network_interface_name": "lo",
        "current_instance_type": kind,
    }
    host.write_config("/opt/ml/config/resourceconfig.json", resources)
    for each in request.get("ProcessingInputs") or []:
        source = each.get("S3Input")
        if source is None:
            raise ClientFault(f"input {each['InputName']}: the rehearsal serves inputs from S3 only")
        sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
        part, parts = (number, len(hosts)) if sharded else (0, 1)
        target = host.path(source["LocalPath"])
        target.mkdir(parents=True, exist_ok=True)
        if not account.storage.download(source["S3Uri"], target, part=part, parts=parts) and not sharded:
            raise ClientFault(f'No S3 objects found under S3 URL "{source["S3Uri"]}" given in input data source.')
    for output in _outputs(job):
        host.path(output["LocalPath"]).mkdir(parents=True, exist_ok=True)


def _outputs(job: Job) -> list[dict[str, Any]]:
    outputs = (job.request.get("ProcessingOutputConfig") or {}).get("Outputs", [])
    return [output["S3Output"] for output in outputs if "S3Output" in output]


class _Uploads:
    """Uploads each host's outputs; knows what has been sent."""

    def __init__(self, account: Account, job: Job, hosts: list[Host]) -> None:
        self._account, self._outputs, self._hosts = account, _outputs(job), hosts
        self._sent: dict[tuple[str, str], dict[Path, tuple[int, int]]] = {}

    def send(self, mode: str) -> None:
        """Uploads what is new in the outputs of one upload mode."""
        for host in self._hosts:
            for output in self._outputs:
                if output["S3UploadMode"] == mode:
                    sent = self._sent.setdefault((host.name, output["S3Uri"]), {})
                    self._account.storage.upload_folder(host.path(output["LocalPath"]), output["S3Uri"], sent)
