"""A SeaweedFS of one's own on free ports of this machine, with credentials, and a proxy in front of it that fails."""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY, SECRET = "benchmark-key", "benchmark-secret"
WAIT_S = 60.0


def binary(name: str) -> str:
    """A program that a Python package brought: beside this interpreter, or on the path.

    Raises:
        FileNotFoundError: There is none.
    """
    found = shutil.which(name, path=f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; pip install -r requirements-dev.txt")
    return found


@contextmanager
def seaweedfs(folder: Path) -> Iterator[str]:
    """A server with one user; gives its address."""
    identity = {"name": "a", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
    (folder / "data").mkdir()
    port, *others = _free_ports(5)
    names = ("master.port", "volume.port", "filer.port", "s3.port.grpc")
    ports = [f"-{name}={number}" for name, number in zip(names, others, strict=True)]
    grpc = [f"-{name}.grpc={number}" for name, number in zip(names[:3], _free_ports(3), strict=True)]
    command = [binary("weed"), "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
    options = [
        "-filer",
        "-s3",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.port={port}",
        f"-s3.config={folder / 's3.json'}",
        "-master.telemetry=false",
    ]
    volumes = ["-volume.max=100", "-master.volumeSizeLimitMB=1024"]
    with (folder / "seaweedfs.log").open("wb") as log:
        process = subprocess.Popen([*command, *options, *ports, *grpc, *volumes], stdout=log, stderr=log)
        try:
            _wait(process, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()  # nobody reads its data again, and asked to end it takes up to half a minute
            process.wait()


@contextmanager
def microburst(upstream: str) -> Iterator[str]:
    """A proxy in front of a server that fails as it is told, and signs anew what it passes on; gives its address."""
    [port] = _free_ports(1)
    signer = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
    command = [sys.executable, "-m", "microburst", "--upstream", upstream, "--port", str(port), "--host", "127.0.0.1"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*command, "--resign"], env={**os.environ, **signer}, stdout=quiet, stderr=quiet)
    try:
        _wait(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def account(address: str) -> dict[str, str]:
    """Environment of a client of the server: of boto3, of this project, and of s5cmd."""
    return {
        "AWS_ENDPOINT_URL": address,
        "S3_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in taken]
    finally:
        for each in taken:
            each.close()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    ends = time.monotonic() + WAIT_S
    while process.poll() is None and time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} does not answer on port {port}")
