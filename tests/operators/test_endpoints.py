from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError

from finetune.config.deploy import DeployConfig
from finetune.errors import ComputeError
from operators import endpoints
from operators.endpoint_request import Served, config_request, model_request
from operators.request import AccountSettings
from rehearsal import Rehearsal
from rehearsal.fixture import skip_where_refused
from tests.operators.serving import GOLDEN, SERVE, package
from tests.rehearsal.serving import serving_rehearsal

KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
NETWORK = {"subnets": ["subnet-0123456789abcdef0"], "security_groups": ["sg-0123456789abcdef0"]}


class Stage:
    """Deploys packages to a rehearsal."""

    def __init__(self, up: Rehearsal) -> None:
        self.up, self.clients, self.said = up, cache(up.client), list[str]()
        self.sagemaker, self.s3 = self.clients("sagemaker"), self.clients("s3")

    def served(self, name: str, way: str = "", **settings: Any) -> Served:
        bucket = self.up.settings.bucket
        self.s3.put_object(Bucket=bucket, Key=f"{name}/model.tar.gz", Body=package(way))
        return Served(
            name=name,
            image="any",
            package=f"s3://{bucket}/{name}/model.tar.gz",
            account=AccountSettings(
                role=self.up.settings.role_arn, output="", kms_key=KEY, tags={"project": "p"}, **NETWORK
            ),
            settings=DeployConfig(**settings),
            captured=f"s3://{bucket}/captured",
            tags={"finetune:home": "here"},
        )

    def deploy(self, served: Served) -> float:
        self.said.clear()
        return endpoints.deploy(self.clients, served, GOLDEN, self.said.append, poll_s=0.1)

    def undeploy(self, name: str) -> list[str]:
        return endpoints.undeploy(self.clients, name, self.said.append, poll_s=0.1)

    def left(self, name: str) -> list[str]:
        """What of an endpoint is there."""
        found = []
        for what, member in (
            ("endpoint", "EndpointName"),
            ("endpoint_config", "EndpointConfigName"),
            ("model", "ModelName"),
        ):
            try:
                getattr(self.sagemaker, f"describe_{what}")(**{member: name})
                found.append(what)
            except ClientError:
                continue
        targets = self.clients("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
        return found + [each["ResourceId"] for each in targets["ScalableTargets"] if f"/{name}/" in each["ResourceId"]]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    skip_where_refused()
    with serving_rehearsal(tmp_path_factory.mktemp("serving"), SERVE) as up:
        yield Stage(up)


def test_an_endpoint_serves_scales_captures_and_is_removed_whole(stage: Stage) -> None:
    scaling = {"min_instances": 1, "max_instances": 3, "invocations_per_instance": 90.0}
    served = stage.served("whole", autoscaling=scaling, capture_percent=100)
    assert stage.deploy(served) > 0
    assert "loading the model" in stage.said
    assert stage.left("whole") == ["endpoint", "endpoint_config", "model", "endpoint/whole/variant/AllTraffic"]
    policies = stage.clients("application-autoscaling").describe_scaling_policies(ServiceNamespace="sagemaker")
    [policy] = policies["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 90.0
    model = stage.sagemaker.describe_model(ModelName="whole")
    assert model["VpcConfig"]["Subnets"] == NETWORK["subnets"]
    config = stage.sagemaker.describe_endpoint_config(EndpointConfigName="whole")
    assert config["KmsKeyId"] == config["DataCaptureConfig"]["KmsKeyId"] == KEY
    assert stage.s3.list_objects_v2(Bucket=stage.up.settings.bucket, Prefix="captured/whole/")["KeyCount"] == 1
    assert stage.deploy(served) > 0, "a second time changes nothing"
    assert stage.undeploy("whole") == ["scaling", "endpoint", "configuration", "model"]
    assert stage.left("whole") == [] and stage.undeploy("whole") == []


def test_an_endpoint_that_does_not_get_healthy_is_taken_down_and_its_log_is_in_the_error(stage: Stage) -> None:
    with pytest.raises(ComputeError) as caught:
        stage.deploy(stage.served("broken", "broken"))
    assert "endpoint broken does not serve: The primary container" in str(caught.value)
    assert "loading the model\nerror: the weights are torn" in str(caught.value)
    assert stage.left("broken") == []


def test_an_endpoint_that_answers_otherwise_than_evaluate_is_taken_down(stage: Stage) -> None:
    with pytest.raises(ComputeError, match="must answer its example with"):
        stage.deploy(stage.served("other", "other"))
    assert stage.left("other") == []


def test_what_an_interrupted_call_left_is_no_hindrance(stage: Stage) -> None:
    served = stage.served("again")
    stage.sagemaker.create_model(**model_request("again", "any", served.package, served.account, {}))
    stage.sagemaker.create_endpoint_config(**config_request(stage.served("again", instance_type="ml.m5.large")))
    stage.deploy(served)
    [variant] = stage.sagemaker.describe_endpoint_config(EndpointConfigName="again")["ProductionVariants"]
    assert variant["InstanceType"] == "ml.m5.xlarge"


def test_an_endpoint_of_another_home_is_left_alone(stage: Stage) -> None:
    served = stage.served("mine")
    stage.sagemaker.create_model(**model_request("mine", "any", served.package, served.account, {}))
    stage.sagemaker.create_endpoint_config(**config_request(served))
    stage.sagemaker.create_endpoint(
        EndpointName="mine", EndpointConfigName="mine", Tags=[{"Key": "finetune:home", "Value": "there"}]
    )
    with pytest.raises(ComputeError, match="finetune:home: there, not here.*run.py undeploy"):
        stage.deploy(served)
    assert "endpoint" in stage.left("mine")


def test_waiting_that_is_broken_off_leaves_nothing(stage: Stage) -> None:
    def interrupted(line: str) -> None:
        if "waiting" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        endpoints.deploy(stage.clients, stage.served("broken-off"), GOLDEN, interrupted, poll_s=0.1)
    assert stage.left("broken-off") == []


def test_a_refusal_of_aws_leaves_nothing(stage: Stage) -> None:
    stage.up.limit(quotas={"ml.m5.xlarge for endpoint usage": 0})
    with pytest.raises(ComputeError, match="ResourceLimitExceeded.*ask for a higher quota"):
        stage.deploy(stage.served("unbought"))
    stage.up.limit(quotas={})
    assert stage.left("unbought") == []
