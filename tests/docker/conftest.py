"""The code of docker/ is found as docker/image.py finds it: the folder itself is on the path, after all else."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "docker"))

REGION = "eu-west-1"
STAND_IN = """#!/bin/sh
call=$(printf '%s\\037' "${0##*/}" "$@")
printf '%s\\036' "$call" >> "$RECORD"
[ "$1" = login ] && cat >> "$RECORD.passwords"
[ "$1" = ecr ] && echo "password-of-$4"
[ "${0##*/} $1" = "$BREAKS" ] && { echo "$1: no space left on device"; exit 1; }
[ "${0##*/} $1" = "$LASTS" ] && exec sleep 300
exit 0
"""


class CodeBuild:
    """CodeBuild's calls about builds, in front of moto, which answers all else.

    A build is real as far as it can be without docker: the source is fetched from S3 and unpacked by unzip, and the
    buildspec's commands run in one shell a phase; `docker` and `aws` on their PATH are stand-ins that record how they
    are called. What is pushed then stands in moto's ECR, and what is printed in its CloudWatch.
    """

    def __init__(self, folder: Path) -> None:
        import moto.server

        self.folder = folder
        self.moto = moto.server.DomainDispatcherApplication(moto.server.create_backend_app)
        self.endpoint = ""
        self.breaks = self.lasts = ""
        self.pushes = True
        self.lost_answers = 0
        self.refused: dict[str, str] = {}
        self.starts: list[dict[str, Any]] = []
        self.builds: dict[str, dict[str, Any]] = {}
        self.actions: set[str] = set()
        self.starting = threading.Event()
        self.slow_start_s = 0.0
        self._running: dict[str, subprocess.Popen[str]] = {}
        self._one_at_a_time = threading.Lock()
        self._clients: dict[str, Any] = {}
        for name in ("docker", "aws"):
            (folder / "bin").mkdir(exist_ok=True)
            (folder / "bin" / name).write_text(STAND_IN)
            (folder / "bin" / name).chmod(0o755)

    def client(self, service: str) -> Any:
        import boto3

        if service not in self._clients:
            keys = {"aws_access_key_id": "server", "aws_secret_access_key": "x"}
            made = boto3.client(service, region_name=REGION, endpoint_url=self.endpoint, **keys)
            self._clients[service] = made
        return self._clients[service]

    def recorded(self) -> list[list[str]]:
        """How docker and aws were called, in order: name and arguments."""
        record = self.folder / "record"
        calls = record.read_text().split("\036")[:-1] if record.exists() else []
        return [call.split("\037")[:-1] for call in calls]

    def running(self) -> list[int]:
        return [process.pid for process in self._running.values() if process.poll() is None]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        from rehearsal.calls import action_of, operation_of

        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        signed = environ.get("HTTP_AUTHORIZATION", "")
        if "Credential=client/" in signed:
            service = signed.split("/")[3]
            self.actions.add(action_of(service, str(operation_of(service, environ, body))))
        operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
        answers = {"StartBuild": self._start, "BatchGetBuilds": self._look, "StopBuild": self._stop}
        if operation in self.refused:
            return self._answer(start_response, {"__type": self.refused[operation], "message": "refused"}, 400)
        if operation not in answers:
            return self.moto(environ, start_response)
        return answers[operation](json.loads(body), environ, start_response)

    def _start(self, asked: dict[str, Any], environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.starting.set()
        time.sleep(self.slow_start_s)
        told: list[str] = []
        content = self.moto(environ, lambda status, headers, *rest: told.append(status))
        if not told[0].startswith("200"):
            return self._answer(start_response, json.loads(b"".join(content)), 400)
        self.starts.append(asked)
        build = self.builds.get(asked["idempotencyToken"]) or self._begin(asked)
        self.builds[asked["idempotencyToken"]] = build
        if len(self.starts) <= self.lost_answers:
            return self._answer(start_response, {"__type": "InternalServerException"}, 500)
        return self._answer(start_response, {"build": build})

    def _look(self, asked: dict[str, Any], environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._answer(start_response, {"builds": [b for b in self.builds.values() if b["id"] in asked["ids"]]})

    def _stop(self, asked: dict[str, Any], environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        build = next(each for each in self.builds.values() if each["id"] == asked["id"])
        with self._one_at_a_time, contextlib.suppress(ProcessLookupError):  # nothing, between two commands
            build["buildStatus"] = "STOPPED"
            os.killpg(self._running[build["id"]].pid, signal.SIGKILL)
            self._running[build["id"]].wait()
        return self._answer(start_response, {"build": build})

    def _answer(self, start_response: Any, answer: dict[str, Any], status: int = 200) -> Iterable[bytes]:
        start_response(f"{status} -", [("Content-Type", "application/x-amz-json-1.1")])
        return [json.dumps(answer).encode()]

    def _begin(self, asked: dict[str, Any]) -> dict[str, Any]:
        stream = f"{len(self.builds)}"
        logs = {"groupName": "/aws/codebuild/images", "streamName": stream, "deepLink": f"https://logs/{stream}"}
        build = {"id": f"images:{stream}", "buildStatus": "IN_PROGRESS", "phases": [], "logs": logs}
        source = self._unpack(asked["sourceLocationOverride"])
        threading.Thread(target=self._work, args=(asked, build, source), daemon=True).start()
        while build["id"] not in self._running:
            time.sleep(0.01)
        return build

    def _unpack(self, location: str) -> Path:
        bucket, _, key = location.partition("/")
        source = self.folder / "source"
        (self.folder / "source.zip").write_bytes(
            self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read(),
        )
        subprocess.run(["unzip", "-qo", "source.zip", "-d", "source"], cwd=self.folder, check=True)
        return source

    def _work(self, asked: dict[str, Any], build: dict[str, Any], source: Path) -> None:
        import yaml

        build["phases"].append({"phaseType": "DOWNLOAD_SOURCE", "phaseStatus": "SUCCEEDED", "durationInSeconds": 1})
        for phase, content in yaml.safe_load(asked["buildspecOverride"])["phases"].items():
            failed = self._run(build, source, content["commands"])
            if build["buildStatus"] == "STOPPED":
                return
            message = {"message": f"Error while executing command: {failed}. Reason: exit status 1"}
            ended = {"phaseStatus": "FAILED", "contexts": [message]} if failed else {"phaseStatus": "SUCCEEDED"}
            build["phases"].append({"phaseType": phase.upper(), "durationInSeconds": 2, **ended})
            if failed:
                build["buildStatus"] = "FAILED"
                return
        for tag in [call[2].partition(":")[2] for call in self.recorded() if call[:2] == ["docker", "push"]]:
            if self.pushes:
                self.put_image(tag)
        build["buildStatus"] = "SUCCEEDED"

    def _run(self, build: dict[str, Any], source: Path, commands: list[str]) -> str | None:
        """Gives the command that failed; none where all of them passed."""
        settings = {"RECORD": str(self.folder / "record"), "BREAKS": self.breaks, "LASTS": self.lasts}
        path = {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        for command in commands:
            with self._one_at_a_time:
                if build["buildStatus"] == "STOPPED":
                    return command
                process = self._running[build["id"]] = subprocess.Popen(
                    ["bash", "-c", command],
                    cwd=source,
                    env={**path, **settings},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    start_new_session=True,
                )
            self._log(build, process.communicate()[0].splitlines())
            if process.returncode:
                return command
        return None

    def _log(self, build: dict[str, Any], lines: list[str]) -> None:
        place = {"logGroupName": build["logs"]["groupName"], "logStreamName": build["logs"]["streamName"]}
        client, at = self.client("logs"), int(time.time() * 1000)
        if not client.describe_log_groups()["logGroups"]:
            client.create_log_group(logGroupName=place["logGroupName"])
        if not client.describe_log_streams(logGroupName=place["logGroupName"])["logStreams"]:
            client.create_log_stream(**place)
        if lines:
            client.put_log_events(**place, logEvents=[{"timestamp": at, "message": f"{line}\n"} for line in lines])

    def put_image(self, tag: str) -> str:
        """Puts an image into ECR, as a push does, and gives its digest."""
        media = "application/vnd.docker.distribution.manifest.v2+json"
        blob = {"mediaType": media, "size": 1, "digest": f"sha256:{tag.encode().hex():0<64.64}"}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": media, "config": blob, "layers": [blob]})
        where = {"repositoryName": "finetune", "imageManifest": manifest, "imageManifestMediaType": media}
        return str(self.client("ecr").put_image(**where, imageTag=tag)["image"]["imageId"]["imageDigest"])


@pytest.fixture
def code_build(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[CodeBuild]:
    """CodeBuild with the project `images`, a repository `finetune` and a bucket `my-team`; the client finds them."""
    from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    served = CodeBuild(tmp_path_factory.mktemp("code-build"))
    server = make_server("127.0.0.1", 0, served, threaded=True, request_handler=MotoRequestHandler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    served.endpoint = f"http://127.0.0.1:{server.port}"
    urllib.request.urlopen(urllib.request.Request(f"{served.endpoint}/moto-api/reset", method="POST"))
    served.client("ecr").create_repository(repositoryName="finetune")
    served.client("s3").create_bucket(Bucket="my-team", CreateBucketConfiguration={"LocationConstraint": REGION})
    served.client("codebuild").create_project(
        name="images",
        source={"type": "S3", "location": "my-team/none.zip"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "-", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=f"arn:aws:iam::{ACCOUNT}:role/images",
    )
    found = {"AWS_ACCESS_KEY_ID": "client", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": served.endpoint}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    yield served
    server.shutdown()
