"""The environment by which a client finds a rehearsal: AWS's endpoint, and ZenML's server where it has one."""

from pathlib import Path

from rehearsal.calls import LOOKER_KEY
from rehearsal.state import State


def client_environment(state: State, region: str) -> dict[str, str]:
    """What a client of AWS and of ZenML must find in its environment."""
    folder = Path(state.folder)
    aws = {
        "AWS_ENDPOINT_URL": state.endpoint,
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(folder / "sdk.yaml"),
        "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
    }
    if state.zenml_url is None or state.zenml_key is None:
        return aws
    return aws | {
        "ZENML_STORE_URL": state.zenml_url,
        "ZENML_STORE_API_KEY": state.zenml_key,
        "ZENML_CONFIG_PATH": str(folder / "zenml" / "client"),
        "ZENML_ANALYTICS_OPT_IN": "false",
    }


def looker_environment(endpoint: str, region: str) -> dict[str, str]:
    """What a program needs that only looks, such as ZenML's server at the reports in S3; its calls are not counted."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": LOOKER_KEY,
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
