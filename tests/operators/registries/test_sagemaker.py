"""SageMaker's registry, as a rehearsal serves it: packages of a group, and approvals that follow stages."""

import json
from dataclasses import replace
from typing import Any

import pytest

from finetune.errors import RegistryError
from finetune.registry.facts import Facts
from finetune.registry.registry import Note
from finetune.registry.stages import Stage
from operators.registries.sagemaker import SagemakerRegistry, package_request
from rehearsal import Rehearsal
from rehearsal.fixture import rehearsal  # noqa: F401
from rehearsal.validate import validate
from tests.finetune.registry.test_move import FACTS

EXPERIMENT = "EXP-2-packages"
NOTE = Note("production", "2026-01-02T03:04:05+00:00", "ana@desk")


@pytest.fixture(scope="module")
def client(rehearsal: Rehearsal) -> Any:  # noqa: F811
    return rehearsal.client("sagemaker")


@pytest.fixture(scope="module")
def facts(rehearsal: Rehearsal) -> Facts:  # noqa: F811
    bucket = rehearsal.settings.bucket
    for name in ("model.tar.gz", "statistics.json"):
        rehearsal.client("s3").put_object(Bucket=bucket, Key=f"models/7/{name}", Body=b"{}")
    place = f"s3://{bucket}/models/7"
    told = {
        "experiment": EXPERIMENT,
        "image": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/finetune@sha256:{'a' * 64}",
        "git_commit": "0" * 40,
        "package": {"uri": f"{place}/model.tar.gz", "sha256": "b" * 64, "size": 2},
        "statistics": f"{place}/statistics.json",
    }
    return Facts(run_number=7, **{**FACTS, **told})


@pytest.fixture(scope="module")
def registry(client: Any, facts: Facts) -> SagemakerRegistry:
    found = SagemakerRegistry(lambda: client)
    assert found.stages(EXPERIMENT) == {}
    assert found.register(facts) == found.register(facts), "registering again changes nothing"
    found.register(replace(facts, run_number=8, package={**facts.package, "sha256": "c" * 64}))
    return found


def package(client: Any, run: int) -> dict[str, Any]:
    arns = [
        each["ModelPackageArn"]
        for each in client.list_model_packages(ModelPackageGroupName=EXPERIMENT)["ModelPackageSummaryList"]
    ]
    every = [client.describe_model_package(ModelPackageName=arn) for arn in arns]
    (found,) = [each for each in every if each["CustomerMetadataProperties"]["run"] == str(run)]
    return found


def test_a_package_says_what_serves_it_how_good_it_is_and_where_it_comes_from(
    registry: SagemakerRegistry, client: Any, facts: Facts
) -> None:
    found = package(client, 7)
    assert found["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = found["InferenceSpecification"]["Containers"]
    assert container == {"Image": facts.image, "ModelDataUrl": facts.package["uri"]}
    statistics = found["ModelMetrics"]["ModelQuality"]["Statistics"]
    assert statistics == {"ContentType": "application/json", "S3Uri": facts.statistics}
    told = found["CustomerMetadataProperties"]
    assert told["experiment"] == EXPERIMENT and told["git_commit"] == "0" * 40
    assert told["manifest_hash"] == "1" * 64 and told["image_digest"] == f"sha256:{'a' * 64}"
    assert len(client.list_model_packages(ModelPackageGroupName=EXPERIMENT)["ModelPackageSummaryList"]) == 2


def test_production_is_approved_and_what_a_package_says_stays(registry: SagemakerRegistry, client: Any) -> None:
    registry.move(EXPERIMENT, 7, Stage.PRODUCTION, NOTE)
    registry.move(EXPERIMENT, 8, Stage.STAGING, NOTE)
    assert registry.stages(EXPERIMENT) == {7: Stage.PRODUCTION, 8: Stage.STAGING}
    found = package(client, 7)
    assert found["ModelApprovalStatus"] == "Approved"
    assert found["ApprovalDescription"] == "production, by ana@desk at 2026-01-02T03:04:05+00:00"
    assert found["CustomerMetadataProperties"]["dataset_hash"] == "2" * 64
    registry.move(EXPERIMENT, 7, Stage.NONE, NOTE)
    assert package(client, 7)["ModelApprovalStatus"] == "PendingManualApproval"
    assert registry.stages(EXPERIMENT) == {7: Stage.NONE, 8: Stage.STAGING}


def test_what_somebody_approved_in_studio_is_in_production(registry: SagemakerRegistry, client: Any) -> None:
    arn = package(client, 8)["ModelPackageArn"]
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    assert registry.stages(EXPERIMENT)[8] is Stage.PRODUCTION


def test_a_package_that_sagemaker_cannot_reach_is_refused(registry: SagemakerRegistry, facts: Facts) -> None:
    here = replace(facts, run_number=9, package={**facts.package, "uri": "/outputs/model.tar.gz"})
    with pytest.raises(RegistryError, match="sagemaker takes packages in S3 with an image"):
        registry.register(here)
    gone = {**facts.package, "uri": facts.package["uri"].replace("/7/", "/9/")}
    with pytest.raises(RegistryError, match="Could not find model data at s3://"):
        registry.register(replace(facts, run_number=9, package=gone))
    other = replace(facts, package={**facts.package, "sha256": "d" * 64})
    with pytest.raises(RegistryError, match="sagemaker has version 7 of EXP-2-packages already, with another package"):
        registry.register(other)
    with pytest.raises(RegistryError, match="moving version 9"):
        registry.move(EXPERIMENT, 9, Stage.STAGING, NOTE)


def test_a_group_with_packages_is_not_deleted_and_an_empty_one_is(registry: SagemakerRegistry, client: Any) -> None:
    with pytest.raises(client.exceptions.ClientError, match="non-empty"):
        client.delete_model_package_group(ModelPackageGroupName=EXPERIMENT)
    client.create_model_package_group(ModelPackageGroupName="EXP-3-empty")
    with pytest.raises(client.exceptions.ClientError, match="already exists"):
        client.create_model_package_group(ModelPackageGroupName="EXP-3-empty")
    client.delete_model_package_group(ModelPackageGroupName="EXP-3-empty")
    client.delete_model_package(ModelPackageName=package(client, 7)["ModelPackageArn"])
    assert set(registry.stages(EXPERIMENT)) == {8}


def test_a_registry_that_is_down_says_what_was_being_done() -> None:
    def down() -> Any:
        raise ConnectionError("no route to host")

    with pytest.raises(RegistryError, match="listing the packages of EXP-1 in sagemaker failed: .*no route to host"):
        SagemakerRegistry(down).stages("EXP-1")


def test_a_request_keeps_the_services_own_rules(facts: Facts) -> None:
    request = package_request(facts)
    validate("CreateModelPackage", request)
    assert json.loads(json.dumps(request)) == request == package_request(facts)
