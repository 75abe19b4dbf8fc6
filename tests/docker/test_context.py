import io
import os
import re
import shutil
import socketserver
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from images.context import context, context_files

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("docker/startup", "experiments", "finetune", "materializers", "operators", "pipelines", "steps")
OUTSIDE = (
    "run.py",
    "README.md",
    "cli/main.py",
    "configs/EXP-1.yaml",
    "stacks/local.yaml",
    "tests/test_a.py",
    "outputs/production/a.parquet",
    "docker/image.py",
    ".git/config",
    ".env",
    "finetune/.env",
    "finetune/__pycache__/a.cpython-311.pyc",
    "steps/.ipynb_checkpoints/train.py",
    "other/finetune/a.py",
)
INSIDE = (
    "docker/serve",
    "docker/startup/a.py",
    "finetune/a.py",
    "finetune/report/page.html",
    "experiments/mine/requirements.txt",
    "requirements.txt",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project with the real .dockerignore."""
    for name in (*OUTSIDE, *INSIDE):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    return tmp_path


class Engine(BaseHTTPRequestHandler):
    """The part of docker's API that says which images are there, takes a build context, and then refuses to build."""

    protocol_version = "HTTP/1.1"
    contexts: list[bytes] = []
    images: set[str] = set()

    def do_HEAD(self) -> None:
        self._answer(200)

    def do_GET(self) -> None:
        asked = re.search(r"/images/(.+)/json$", self.path)
        self._answer(404 if asked and asked[1] not in self.images else 200)

    def do_POST(self) -> None:
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        self.contexts.append(b"".join(chunks))
        self._answer(400)

    def _answer(self, status: int) -> None:
        body = b'{"message": "no builds here"}'
        self.send_response(status)
        for name, value in (("Api-Version", "1.41"), ("OSType", "linux"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self) -> str:
        return "docker"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    address = str(tmp_path_factory.mktemp("engine") / "s")
    Engine.contexts, Engine.images = [], set()
    with socketserver.ThreadingUnixStreamServer(address, Engine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{address}"
        server.shutdown()


def test_exactly_the_code_rooms_enter_an_image() -> None:
    found = set(context_files(ROOT)) - {"requirements.txt", "docker/serve"}
    rooms = {room: {path for path in found if path.startswith(f"{room}/")} for room in ROOMS}
    assert all(rooms.values()) and found == set.union(*rooms.values())


def test_all_else_stays_outside(project: Path) -> None:
    assert context_files(project) == sorted(INSIDE)


@pytest.mark.skipif(not shutil.which("docker"), reason="there is no docker command to compare with")
def test_the_docker_command_sends_the_same_files(project: Path, engine: str, tmp_path_factory: object) -> None:
    (project / "Dockerfile").write_text("FROM scratch\n")
    surroundings = {**os.environ, "DOCKER_HOST": engine, "DOCKER_BUILDKIT": "0"}
    subprocess.run(["docker", "build", "."], cwd=project, env=surroundings, capture_output=True, timeout=60)
    assert Engine.contexts, "the docker command sent no context"
    with tarfile.open(fileobj=io.BytesIO(Engine.contexts[0])) as archive:
        sent = {member.name for member in archive if not member.isdir()}
    assert sorted(sent - {"Dockerfile", ".dockerignore"}) == context_files(project)


def test_the_executable_bit_and_links_are_part_of_a_file(project: Path) -> None:
    (project / "finetune" / "link.py").symlink_to("a.py")
    (project / "finetune" / "a.py").chmod(0o755)
    found = context(project)
    assert found["finetune/a.py"].executable
    assert found["finetune/link.py"].link
    assert not found["requirements.txt"].executable
