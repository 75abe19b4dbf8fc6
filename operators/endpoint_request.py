"""The requests that make an endpoint of a model package, its machines and the account's settings. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from finetune.config.deploy import DeployConfig
from operators.request import AccountSettings, volume_key

VARIANT = "AllTraffic"
DIMENSION, METRIC = "sagemaker:variant:DesiredInstanceCount", "SageMakerVariantInvocationsPerInstance"
NAMESPACE = "sagemaker"
_MINUTE_S = 60


@dataclass(frozen=True)
class Served:
    """A model as it is served: endpoint, configuration, model and scaling policy all have its name."""

    name: str
    image: str
    package: str
    """Address of the model.tar.gz in S3."""
    account: AccountSettings
    settings: DeployConfig
    captured: str
    """S3 prefix for captured requests."""
    tags: Mapping[str, str]

    @property
    def target(self) -> dict[str, str]:
        """What Application Auto Scaling calls it."""
        return scaling_target(self.name)


def model_request(name: str, image: str, package: str, account: AccountSettings, tags: Mapping[str, str]) -> Any:
    """The arguments of create_model."""
    request: dict[str, Any] = {
        "ModelName": name,
        "ExecutionRoleArn": account.role,
        "PrimaryContainer": {"Image": image, "ModelDataUrl": package},
        "Tags": tag_list({**account.tags, **tags}),
    }
    if account.subnets:
        request["VpcConfig"] = {"Subnets": list(account.subnets), "SecurityGroupIds": list(account.security_groups)}
    return request


def config_request(served: Served) -> dict[str, Any]:
    """The arguments of create_endpoint_config."""
    settings, key = served.settings, served.account.kms_key
    request: dict[str, Any] = {
        "EndpointConfigName": served.name,
        "ProductionVariants": [
            {
                "VariantName": VARIANT,
                "ModelName": served.name,
                "InstanceType": settings.instance_type,
                "InitialInstanceCount": settings.instance_count,
                "ContainerStartupHealthCheckTimeoutInSeconds": settings.health_minutes * _MINUTE_S,
            }
        ],
        "Tags": tag_list({**served.account.tags, **served.tags}),
    }
    request |= volume_key("KmsKeyId", settings.instance_type, served.account)
    if settings.capture_percent:
        request["DataCaptureConfig"] = {
            "EnableCapture": True,
            "InitialSamplingPercentage": settings.capture_percent,
            "DestinationS3Uri": served.captured,
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {
                "JsonContentTypes": ["application/json", "application/jsonlines"],
                "CsvContentTypes": ["text/csv"],
            },
            **({"KmsKeyId": key} if key is not None else {}),
        }
    return request


def endpoint_request(served: Served) -> dict[str, Any]:
    """The arguments of create_endpoint."""
    tags = tag_list({**served.account.tags, **served.tags})
    return {"EndpointName": served.name, "EndpointConfigName": served.name, "Tags": tags}


def scaling_requests(served: Served) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The arguments of register_scalable_target and put_scaling_policy; None without autoscaling."""
    scaling = served.settings.autoscaling
    if scaling is None:
        return None
    limits = {"MinCapacity": scaling.min_instances, "MaxCapacity": scaling.max_instances}
    policy = {
        "PolicyName": served.name,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": scaling.invocations_per_instance,
            "PredefinedMetricSpecification": {"PredefinedMetricType": METRIC},
        },
    }
    return served.target | limits, served.target | policy


def scaling_target(name: str) -> dict[str, str]:
    """An endpoint's one variant, as Application Auto Scaling calls it."""
    return {
        "ServiceNamespace": NAMESPACE,
        "ResourceId": f"endpoint/{name}/variant/{VARIANT}",
        "ScalableDimension": DIMENSION,
    }


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as AWS takes them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
