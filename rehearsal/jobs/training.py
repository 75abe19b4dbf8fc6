"""The life of a training job: inputs, hosts, checkpoints, spot interruptions, outputs, end."""

import logging
import shutil
import time
from pathlib import Path
from typing import Any

from rehearsal.account import Account
from rehearsal.errors import ClientFault
from rehearsal.images import find_image
from rehearsal.jobs import hosts as machines
from rehearsal.jobs.channels import channel_config, download_channel
from rehearsal.jobs.hosts import Host
from rehearsal.jobs.job import Job
from rehearsal.jobs.outcome import INTERRUPTED, Outcome, failed_host, training_outcome
from rehearsal.jobs.supervise import Deadlines, exit_codes, supervise
from rehearsal.metrics import Metrics
from rehearsal.settings import Image

FOLDERS = ("/opt/ml/input/config", "/opt/ml/input/data", "/opt/ml/model", "/opt/ml/output/data", "/opt/ml/checkpoints")
CHECKPOINTS = "/opt/ml/checkpoints"


def run_training(account: Account, job: Job) -> None:
    """Runs it to its end, and again from its checkpoints after each spot interruption."""
    folder = account.folder / "jobs" / "training" / job.name
    try:
        definitions = job.request["AlgorithmSpecification"].get("MetricDefinitions") or []
        metrics = Metrics(account.cloudwatch, job.name, definitions)
        attempt = 1
        while not _attempt(account, job, folder / str(attempt), metrics):
            attempt += 1
    except ClientFault as fault:
        job.end("Failed", secondary="Failed", reason=f"ClientError: {fault}")
    except Exception as error:
        logging.exception("training job %s", job.name)
        job.end("Failed", secondary="Failed", reason=f"InternalServerError: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _attempt(account: Account, job: Job, folder: Path, metrics: Metrics) -> bool:
    """One attempt; false if its spot instances were taken away."""
    request = job.request
    started = time.time()
    job.enter("Downloading", "Downloading input data")
    image = find_image(account.settings.images, request["AlgorithmSpecification"]["TrainingImage"])
    if image is None:
        raise ClientFault(
            "Cannot pull algorithm container. Either the image does not exist or its permissions are incorrect."
        )
    hosts = machines.make_hosts(folder, request["ResourceConfig"].get("InstanceCount", 1), image, FOLDERS)
    for number, host in enumerate(hosts):
        _furnish(account, job, host, hosts, number)
    job.update(TrainingStartTime=started)
    job.enter("Training", "Training image download completed. Training in progress.")
    running = _start(account, job, hosts, image, metrics)
    saved: dict[Path, tuple[int, int]] = {}
    why = supervise(
        job,
        running,
        deadlines=_deadlines(job, started),
        grace_s=account.settings.stop_grace_s,
        sync=lambda: _save_checkpoints(account, job, hosts[0], saved),
        sync_s=account.settings.sync_s,
    )
    job.update(FinalMetricDataList=list(metrics.last.values()))
    if why == INTERRUPTED:
        job.enter("Interrupted", "Spot capacity was interrupted")
        job.resume()
        job.enter("Starting", "Preparing the instances for training")
        return False
    codes = exit_codes(running)
    killed = any(machines.ran_out_of_memory(container) for container, _ in running)
    outcome = training_outcome(codes, why, _failure(hosts, codes), killed)
    _upload(account, job, hosts, outcome)
    _end(job, outcome, started)
    return True


def _furnish(account: Account, job: Job, host: Host, hosts: list[Host], number: int) -> None:
    """Puts the platform's files, the channels and the checkpoints where the job looks for them."""
    request = job.request
    algorithm, kind = request["AlgorithmSpecification"], request["ResourceConfig"].get("InstanceType", "")
    names = [each.name for each in hosts]
    group = {"instance_group_name": "homogeneousCluster", "instance_type": kind, "hosts": names}
    config = "/opt/ml/input/config"
    host.write_config(f"{config}/hyperparameters.json", request.get("HyperParameters") or {})
    host.write_config(
        f"{config}/resourceconfig.json",
        {
            "current_host": host.name,
            "current_instance_type": kind,
            "current_group_name": "homogeneousCluster",
            "hosts": names,
            "instance_groups": [group],
            "network_interface_name": "lo",
        },
    )
    channels = request.get("InputDataConfig") or []
    modes = {each["ChannelName"]: channel_config(each, algorithm["TrainingInputMode"]) for each in channels}
    host.write_config(f"{config}/inputdataconfig.json", modes)
    for channel in channels:
        download_channel(account.storage, channel, host.path("/opt/ml/input/data"), number, len(hosts))
    checkpoints = request.get("CheckpointConfig")
    if checkpoints:
        local = host.path(checkpoints.get("LocalPath", CHECKPOINTS))
        local.mkdir(parents=True, exist_ok=True)
        account.storage.download(checkpoints["S3Uri"].rstrip("/") + "/", local)


def _start(account: Account, job: Job, hosts: list[Host], image: Image, metrics: Metrics) -> list[Any]:
    """Starts all hosts; each with its stream in CloudWatch."""
    algorithm = job.request["AlgorithmSpecification"]
    command = (algorithm.get("ContainerEntrypoint") or image.train) + (algorithm.get("ContainerArguments") or [])
    environment = {
        **(job.request.get("Environment") or {}),
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.arn,
    }
    containers = [machines.start(account, job, host, image, command, environment) for host in hosts]
    now = int(time.time())
    return [
        (container, machines.follow(account, job, host, container, now, metrics.read))
        for host, container in zip(hosts, containers, strict=True)
    ]


def _deadlines(job: Job, started: float) -> Deadlines:
    """Run time counts from the instance's start, a spot job's wait from the job's creation."""
    limits = job.request["StoppingCondition"]
    wait = limits.get("MaxWaitTimeInSeconds")
    created = job.describe()["CreationTime"]
    run = started + limits.get("MaxRuntimeInSeconds", 86_400)
    return Deadlines(run) if wait is None else Deadlines(run, created + wait)


def _save_checkpoints(account: Account, job: Job, host: Host, saved: dict[Path, tuple[int, int]]) -> None:
    """Copies the first host's checkpoints to S3."""
    checkpoints = job.request.get("CheckpointConfig")
    if checkpoints:
        local = host.path(checkpoints.get("LocalPath", CHECKPOINTS))
        account.storage.upload_folder(local, checkpoints["S3Uri"], saved)


def _failure(hosts: list[Host], codes: list[int]) -> str:
    """What the failed host has written about its failure."""
    number = failed_host(codes)
    if number is None:
        return ""
    file = hosts[number].path("/opt/ml/output/failure")
    return file.read_text(errors="replace") if file.is_file() else ""


def _upload(account: Account, job: Job, hosts: list[Host], outcome: Outcome) -> None:
    """Uploads /opt/ml/model, unless the job failed, and /opt/ml/output/data of all hosts as tarballs."""
    job.enter("Uploading", "Uploading generated training model")
    target = f"{job.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job.name}/output"
    first = hosts[0]
    for host in hosts[1:]:
        for inside in ("/opt/ml/model", "/opt/ml/output/data"):
            shutil.copytree(host.path(inside), first.path(inside), dirs_exist_ok=True)
    if any(first.path("/opt/ml/output/data").iterdir()):
        account.storage.upload_tar(first.path("/opt/ml/output/data"), f"{target}/output.tar.gz")
    if outcome.status != "Failed" and any(first.path("/opt/ml/model").iterdir()):
        account.storage.upload_tar(first.path("/opt/ml/model"), f"{target}/model.tar.gz")
    job.update(ModelArtifacts={"S3ModelArtifacts": f"{target}/model.tar.gz"})


def _end(job: Job, outcome: Outcome, started: float) -> None:
    seconds = max(1, round(time.time() - started))
    job.end(
        outcome.status,
        secondary=outcome.secondary,
        reason=outcome.reason,
        TrainingTimeInSeconds=seconds,
        BillableTimeInSeconds=seconds,
    )
