"""The account's side of a rehearsal: clients of its own endpoint, roles, buckets, credentials of a job."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.calls import Calls
from rehearsal.errors import ClientFault, ServiceError
from rehearsal.executor.container import Container, Spec
from rehearsal.limits import Limits
from rehearsal.settings import REPOSITORY, TAG, Settings
from rehearsal.storage import Storage
from stacks.iam.trust import SAGEMAKER, SCHEDULER, trusts

# By this key the middleware knows the platform's own calls, which no injected fault reaches.
PLATFORM_KEY = "AKIAREHEARSALPLATFORM"
# ECR keeps the image's name; what runs is in the settings.
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"})


class Account:
    """What all jobs of a rehearsal share."""

    def __init__(self, settings: Settings, folder: Path, endpoint: str) -> None:
        self.settings, self.folder, self.endpoint = settings, folder, endpoint
        self.limits, self.calls = Limits(), Calls()
        self._running: set[Container] = set()
        self._closed = False
        self._lock = threading.Lock()
        self.storage = Storage(self.client("s3"))
        self.logs, self.cloudwatch, self._iam, self._sts = map(self.client, ("logs", "cloudwatch", "iam", "sts"))

    def client(self, service: str, role_arn: str | None = None) -> Any:
        """A client of the rehearsal's own endpoint: the platform's own, or one with a role's credentials."""
        config = Config(retries={"max_attempts": 3, "mode": "standard"}, max_pool_connections=50)
        told = self.credentials(role_arn) if role_arn else {}
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=self.settings.region,
            aws_access_key_id=told.get("AccessKeyId", PLATFORM_KEY),
            aws_secret_access_key=told.get("SecretAccessKey", "rehearsal"),
            aws_session_token=told.get("Token"),
            config=config,
        )

    def start(self, spec: Spec, folder: Path) -> Container:
        """Starts a container that ends with the rehearsal.

        Raises:
            ClientFault: The rehearsal is ending.
        """
        with self._lock:
            if self._closed:
                raise ClientFault("the rehearsal is ending")
            self._running = {container for container in self._running if container.exit_code() is None}
            container = Container(spec, folder)
            self._running.add(container)
            return container

    def close(self) -> None:
        """Ends all containers, and lets none start."""
        with self._lock:
            self._closed = True
            for container in self._running:
                container.end()

    def furnish(self) -> None:
        """Makes the bucket, the roles and the image's name that every rehearsal starts with."""
        self.storage.client.create_bucket(Bucket=self.settings.bucket, **_location(self.settings.region))
        for role, service in ((self.settings.role, SAGEMAKER), (self.settings.scheduler_role, SCHEDULER)):
            trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
            policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
            self._iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy)
        registry = self.client("ecr")
        registry.create_repository(repositoryName=REPOSITORY)
        put = registry.put_image(repositoryName=REPOSITORY, imageTag=TAG, imageManifest=MANIFEST)
        images, uri = self.settings.images, self.settings.image_uri
        if uri in images:
            images[f"{uri.removesuffix(f':{TAG}')}@{put['image']['imageId']['imageDigest']}"] = images[uri]

    def check_role(self, arn: str) -> None:
        """Asks whether SageMaker may assume the role.

        Raises:
            ServiceError: It does not exist, or does not trust SageMaker.
        """
        if not self.may_assume(SAGEMAKER, arn):
            raise ServiceError(
                "ValidationException",
                f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
                f"'{SAGEMAKER}' to assume the role.",
            )

    def may_assume(self, service: str, arn: str) -> bool:
        """Whether the role exists and trusts a service of AWS."""
        try:
            role = self._iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
        except ClientError:
            return False
        return bool(role["Arn"] == arn) and trusts(role["AssumeRolePolicyDocument"], service)

    def credentials(self, role_arn: str) -> dict[str, str]:
        """Temporary credentials of a role, in the form that a container's credential endpoint gives."""
        found = self._sts.assume_role(RoleArn=role_arn, RoleSessionName="SageMaker")["Credentials"]
        self.calls.know(found["AccessKeyId"], role_arn)
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        return {
            "AccessKeyId": found["AccessKeyId"],
            "SecretAccessKey": found["SecretAccessKey"],
            "Token": found["SessionToken"],
            "Expiration": ends,
        }


def _location(region: str) -> dict[str, Any]:
    """CreateBucket refuses the constraint in us-east-1 and wants it everywhere else."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
