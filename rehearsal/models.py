"""Models: what stands behind an endpoint or a transform job: an image, a tarball in S3, variables and a role."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.account import Account
from rehearsal.errors import ClientFault, ServiceError
from rehearsal.images import find_image
from rehearsal.settings import Image
from rehearsal.shelf import Shelf
from rehearsal.tags import Tags

Request = dict[str, Any]
NOT_REHEARSED = ("Containers", "InferenceExecutionConfig")
NOT_IN_CONTAINER = ("ModelDataSource", "AdditionalModelDataSources", "MultiModelConfig", "ImageConfig")


@dataclass(frozen=True)
class Model:
    """A model as it is started: the image, where its model.tar.gz lies if it has one, and its variables."""

    name: str
    uri: str
    image: Image
    data: str | None
    environment: dict[str, str]


class Models:
    """The calls about models, and what they remember."""

    def __init__(self, account: Account, tags: Tags, arn: Callable[[str, str], str]) -> None:
        self._account, self._tags, self._arn = account, tags, arn
        self._shelf = Shelf("Model", "model")
        self.calls: dict[str, Callable[[Request], Request]] = {
            "CreateModel": self._create,
            "DescribeModel": lambda request: self.described(request["ModelName"]),
            "ListModels": self._shelf.list,
            "DeleteModel": self._delete,
        }

    def described(self, name: str) -> Request:
        """What Describe answers.

        Raises:
            ServiceError: There is no such model.
        """
        return self._shelf.get(name, self._arn("model", name))

    def model(self, name: str) -> Model:
        """The model, ready to be started.

        Raises:
            ServiceError: There is no such model.
        """
        return self._resolved(name, self.described(name)["PrimaryContainer"])

    def _create(self, request: Request) -> Request:
        name, container = request["ModelName"], request.get("PrimaryContainer")
        asked = [member for member in NOT_REHEARSED if request.get(member)]
        asked += [f"PrimaryContainer.{member}" for member in NOT_IN_CONTAINER if (container or {}).get(member)]
        if asked or container is None:
            told = ", ".join(asked) or "no PrimaryContainer"
            raise _refused(f"{told}: the rehearsal serves models of one container with a ModelDataUrl")
        role = request.get("ExecutionRoleArn", "")
        self._account.check_role(role)
        model = self._resolved(name, container)
        if model.data is not None:
            self._check_data(model.data, role)
        arn = self._arn("model", name)
        self._shelf.put(request, arn)
        self._tags.set(arn, request.get("Tags") or [])
        return {"ModelArn": arn}

    def _delete(self, request: Request) -> Request:
        name = request["ModelName"]
        self._shelf.remove(name, self._arn("model", name))
        return {}

    def _resolved(self, name: str, container: Request) -> Model:
        """A container names image and data itself, or a model package that has them."""
        told = self._packaged(container["ModelPackageName"]) if container.get("ModelPackageName") else container
        uri = told.get("Image", "")
        image = find_image(self._account.settings.images, uri)
        if image is None:
            raise _refused(f"Requested image {uri} not found.")
        environment = (told.get("Environment") or {}) | (container.get("Environment") or {})
        return Model(name, uri, image, told.get("ModelDataUrl"), environment)

    def _packaged(self, package: str) -> Request:
        try:
            found = self._account.client("sagemaker").describe_model_package(ModelPackageName=package)
        except ClientError as error:
            raise _refused(f"Model package {package} does not exist.") from error
        containers: list[Request] = found["InferenceSpecification"]["Containers"]
        return containers[0]

    def _check_data(self, uri: str, role: str) -> None:
        try:
            there = bool(self._account.storage.keys(uri))
        except ClientFault:
            there = False
        if not there:
            raise _refused(
                f'Could not access model data at {uri}. Please ensure that the role "{role}" exists and that its trust '
                'relationship policy allows the action "sts:AssumeRole" for the service principal '
                '"sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" permissions and that the '
                f"object is located in {self._account.settings.region}."
            )


def _refused(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)
