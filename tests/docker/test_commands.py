import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from images import engine, registry
from images.commands import push
from images.errors import ImageError
from images.recipe import Recipe, recipes

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/finetune"


def run(*arguments: str, cwd: Path = ROOT, **surroundings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "docker" / "image.py"), *arguments]
    environment = {name: value for name, value in {**os.environ, **surroundings}.items() if value}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """moto's ECR, over HTTP, on a free port of this machine."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    pytest.importorskip("boto3")
    server.start()
    host, port = server.get_host_and_port()
    settings = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        yield
    server.stop()


def put_image(tag: str, media_type: str) -> str:
    import boto3

    client = boto3.client("ecr", region_name="eu-west-1")
    if not client.describe_repositories()["repositories"]:
        client.create_repository(repositoryName="finetune")
    blob = {"mediaType": media_type, "size": 1, "digest": "sha256:" + hashlib.sha256(tag.encode()).hexdigest()}
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": blob, "layers": [blob]}
    answer = client.put_image(
        repositoryName="finetune",
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=media_type,
        imageTag=tag,
    )
    return str(answer["image"]["imageId"]["imageDigest"])


def test_tag_prints_one_name_from_any_folder(tmp_path: Path) -> None:
    expected = f"finetune:{recipes(ROOT, None, [])[0].tag}\n"
    assert run("tag", cwd=tmp_path).stdout == expected


def test_build_without_an_engine_is_refused(tmp_path: Path) -> None:
    ran = run("build", DOCKER_HOST=f"unix://{tmp_path}/no-engine")
    assert ran.returncode == 1
    assert ran.stderr.startswith(("error: no docker engine answers", "error: there is no docker command"))
    assert len(ran.stderr.splitlines()) == 1


def test_build_without_a_docker_command_is_refused(tmp_path: Path) -> None:
    ran = run("build", PATH=str(tmp_path))
    assert ran.returncode == 1
    assert "there is no docker command on this machine" in ran.stderr


def test_an_image_is_built_for_sagemakers_machines_and_without_an_index() -> None:
    recipe = Recipe("docker/experiment.Dockerfile", "mine-1", {"EXPERIMENT": "mine"}, base_tag="base-2")
    command = " ".join(engine.build_command("finetune", recipe))
    assert "--platform linux/amd64" in command
    assert "--provenance=false" in command
    assert "--build-arg BASE=finetune:base-2 --build-arg EXPERIMENT=mine ." in command


@pytest.mark.parametrize(
    "address",
    [
        "finetune",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "12.dkr.ecr.eu-west-1.amazonaws.com/a",
        f"{REPOSITORY}:tag",
    ],
)
def test_a_repository_is_an_ecr_address(address: str) -> None:
    with pytest.raises(ImageError, match="must be ACCOUNT.dkr.ecr.REGION"):
        registry.parse(address)


@pytest.mark.parametrize("name", ["a/b", "a/b:1", f"a/b@sha256:{'0' * 64}", f"a/b:1@sha256:{'0' * 64}"])
def test_the_repository_of_an_image_is_found_by_tag_and_by_digest_alike(name: str) -> None:
    host = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
    assert registry.repository_of(f"{host}/{name}") == registry.parse(f"{host}/a/b")
    assert registry.repository_of(f"docker.io/{name}") is None and registry.repository_of("") is None


@pytest.mark.usefixtures("aws")
def test_a_missing_repository_is_named_with_the_command_that_creates_it() -> None:
    with pytest.raises(ImageError, match="aws ecr create-repository --repository-name nothing --region eu-west-1"):
        registry.digest(registry.parse(REPOSITORY.replace("/finetune", "/nothing")), "a")


@pytest.mark.usefixtures("aws")
def test_an_image_that_ecr_has_is_neither_built_nor_pushed_again(tmp_path: Path) -> None:
    chosen = recipes(ROOT, None, [])
    digest = put_image(chosen[0].tag, "application/vnd.docker.distribution.manifest.v2+json")
    assert push(ROOT, REPOSITORY, chosen) == f"{REPOSITORY}@{digest}"
    ran = run("push", "--repository", REPOSITORY, PATH=str(tmp_path))
    assert ran.stdout == f"{REPOSITORY}@{digest}\n"


@pytest.mark.usefixtures("aws")
def test_a_tag_that_ecr_lacks_has_no_digest_and_an_index_is_refused() -> None:
    put_image("index", "application/vnd.oci.image.index.v1+json")
    target = registry.parse(REPOSITORY)
    assert registry.digest(target, "missing") is None
    with pytest.raises(ImageError, match="SageMaker takes single images"):
        registry.digest(target, "index")


@pytest.mark.usefixtures("aws")
def test_the_login_password_comes_out_of_the_token() -> None:
    assert registry.password(registry.parse(REPOSITORY)) == "123456789012-auth-token"


def test_without_credentials_push_says_so(tmp_path: Path) -> None:
    pytest.importorskip("boto3")
    nothing = str(tmp_path / "nothing")
    for_aws = {"AWS_SHARED_CREDENTIALS_FILE": nothing, "AWS_CONFIG_FILE": nothing, "AWS_EC2_METADATA_DISABLED": "true"}
    bare = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": ""}
    ran = run("push", "--repository", REPOSITORY, **for_aws, **bare)
    assert ran.returncode == 1
    assert "Unable to locate credentials" in ran.stderr


def test_the_name_docker_still_belongs_to_the_pypi_package() -> None:
    code = "import docker, docker.errors; print(docker.__file__)"
    for path in (str(ROOT), f"{ROOT}{os.pathsep}{ROOT / 'docker'}"):
        surroundings = {**os.environ, "PYTHONPATH": path}
        ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=surroundings, capture_output=True, text=True)
        assert Path(ran.stdout.strip()).parent.parent.name == "site-packages", ran.stderr
    assert not (ROOT / "docker" / "__init__.py").exists()
