import pytest
from pydantic import ValidationError

from finetune.config.compute import MachinesConfig
from operators.flavor import FinetuneSagemakerFlavor, SagemakerJobConfig, SagemakerJobSettings

ROLE = "arn:aws:iam::123456789012:role/jobs"


def test_an_entry_of_compute_comes_through_the_settings_of_a_step() -> None:
    machines = MachinesConfig(instance_type="ml.g5.xlarge", spot=True, max_run_hours=1, max_wait_hours=2)
    assert SagemakerJobSettings(**{"machines": machines.model_dump(mode="json")}).machines == machines


def test_settings_of_a_step_are_refused_as_in_the_config() -> None:
    with pytest.raises(ValidationError, match="cannot be kept in a warm pool"):
        machines = {"instance_type": "ml.m5.large", "spot": True, "max_wait_hours": 30, "warm_pool_minutes": 5}
        SagemakerJobSettings(**{"machines": machines})


def test_the_flavor_leads_to_a_remote_step_operator() -> None:
    flavor = FinetuneSagemakerFlavor()
    assert flavor.name == "finetune_sagemaker"
    assert flavor.implementation_class.__name__ == "SagemakerJobs"
    assert SagemakerJobConfig(role=ROLE, output="s3://bucket/out").is_remote
