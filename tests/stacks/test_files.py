"""Stack files are read with every problem named by file, line and key."""

from pathlib import Path

import pytest

from finetune.errors import ConfigError
from stacks.components import registered
from stacks.files import FOLDER, load_stack, read_stack

ACCOUNT = {
    "FINETUNE_BUCKET": "our-bucket",
    "FINETUNE_ROLE": "arn:aws:iam::111122223333:role/team/finetune",
    "AWS_REGION": "eu-west-1",
    "FINETUNE_IMAGE": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/finetune@sha256:" + "0" * 64,
}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ACCOUNT.items():
        monkeypatch.setenv(name, value)


def changed(tmp_path: Path, *pairs: tuple[str, str]) -> Path:
    """rehearsal.yaml with some text replaced."""
    text = (FOLDER / "rehearsal.yaml").read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "changed.yaml").write_text(text, encoding="utf-8")
    return tmp_path / "changed.yaml"


def test_sagemaker_takes_its_values_from_the_environment(account: None) -> None:
    stack = load_stack("sagemaker")
    assert stack.values is not None
    assert (stack.root, stack.production) == ("s3://our-bucket/outputs", "s3://our-bucket/production")
    assert (stack.values.account, stack.values.registry) == ("111122223333", ACCOUNT["FINETUNE_IMAGE"].split("/")[0])


def test_local_has_no_values_and_leaves_root_and_production_alone() -> None:
    stack = load_stack("local")
    assert (stack.root, stack.production, stack.values) == (None, None, None)


def test_sagemaker_and_rehearsal_are_the_same_stack(account: None) -> None:
    kinds = [[(each.kind, each.flavor) for each in registered(load_stack(name))] for name in ("sagemaker", "rehearsal")]
    assert kinds[0] == kinds[1]


def test_a_variable_that_is_not_set_is_named_with_its_line(account: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FINETUNE_ROLE")
    with pytest.raises(ConfigError) as raised:
        load_stack("sagemaker")
    assert str(raised.value).endswith(
        "stacks/sagemaker.yaml:7: values.role: ${env:FINETUNE_ROLE}: the variable FINETUNE_ROLE is not set"
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("role: arn:aws:iam", "role: arn:aws:s3", "values.role: must match pattern"),
        ("bucket: rehearsal\n", "bucket: s3://rehearsal\n", "values.bucket: must match pattern"),
        ("region: us-east-1", "region: Ireland", "values.region: must match pattern"),
        (
            "region: us-east-1",
            "region: eu-west-1",
            "image must be in region eu-west-1, as the jobs are, but got us-east-1",
        ),
        ("kms:us-east-1", "kms:eu-west-1", "kms_key must be in region us-east-1, as the jobs are, but got eu-west-1"),
        ("/12345678-", "/1234-", "values.kms_key: must match pattern"),
        ("subnet-0123456789abcdef1", "vpc-1", "values.subnets.1: must match pattern"),
        ("[sg-0123456789abcdef0]", "[]", "must be given together, or neither, but got 2 and 0"),
        ("finetune:rehearsal", "finetune", "values.image: must match pattern"),
        ("root: s3://rehearsal", "root: /tmp/rehearsal", "root: must match pattern"),
        ("rehearsal-images", "my images", "values.code_build_project: must match pattern"),
        ("  tags:", "  tag:", "values.tag: unknown key; did you mean tags?"),
        ("  orchestrator: {flavor: sagemaker}\n", "", "components.orchestrator: required key is missing"),
        ("  step_operator:", "  stepoperator:", "components.stepoperator: unknown key; did you mean step_operator?"),
    ],
)
def test_a_wrong_value_is_refused_with_file_key_and_rule(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(ConfigError) as raised:
        read_stack(changed(tmp_path, (old, new)))
    assert words in str(raised.value) and "changed.yaml:" in str(raised.value)


def test_values_reach_processing_and_training_jobs_alike() -> None:
    settings = {each.kind: each.configuration for each in registered(load_stack("rehearsal"))}
    role, tags = "arn:aws:iam::123456789012:role/rehearsal-execution", {"project": "finetune"}
    key = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
    subnets, groups = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"], ["sg-0123456789abcdef0"]
    network = {"subnets": subnets, "security_group_ids": groups, "encrypt_inter_container_traffic": True}
    keys = {"volume_kms_key": key, "output_kms_key": key}
    assert settings["orchestrator"] == {
        "execution_role": role,
        "region": "us-east-1",
        "bucket": "rehearsal",
        "scheduler_role": "arn:aws:iam::123456789012:role/rehearsal-scheduler",
        "synchronous": False,
        "use_training_step": False,
        "keep_alive_period_in_seconds": None,
        "instance_type": "ml.t3.medium",
        "tags": tags,
        "pipeline_tags": tags,
        "processor_args": {"network_config": network, **keys},
        "estimator_args": {**network, **keys},
    }
    assert settings["step_operator"] == {
        "role": role,
        "output": "s3://rehearsal",
        "region": "us-east-1",
        "kms_key": key,
        "subnets": subnets,
        "security_groups": groups,
        "tags": tags,
    }


def test_what_the_file_says_of_a_component_goes_over_what_follows(tmp_path: Path) -> None:
    file = changed(tmp_path, ("{flavor: s3}", "{flavor: s3, name: shared, path: s3://other/place}"))
    store = next(each for each in registered(read_stack(file)) if each.kind == "artifact_store")
    assert (store.name, store.configuration["path"]) == ("shared", "s3://other/place")


def test_zenmls_code_build_gets_the_project_of_the_values_unless_the_component_names_another(tmp_path: Path) -> None:
    for flavor, expected in (("aws", "rehearsal-images"), ("aws, code_build_project: theirs", "theirs")):
        file = changed(tmp_path, ("image_builder: {flavor: local}", f"image_builder: {{flavor: {flavor}}}"))
        found = next(each for each in registered(read_stack(file)) if each.kind == "image_builder")
        assert (found.flavor, found.configuration) == ("aws", {"code_build_project": expected})


def test_several_trackers_stand_in_one_stack(tmp_path: Path) -> None:
    trackers = "components:\n  experiment_tracker: [{flavor: mlflow, name: a}, {flavor: wandb}]"
    file = changed(tmp_path, ("components:", trackers))
    found = [(each.name, each.flavor) for each in registered(read_stack(file)) if each.kind == "experiment_tracker"]
    assert found == [("a", "mlflow"), ("changed-wandb", "wandb")]


def test_two_trackers_of_one_name_are_refused(tmp_path: Path) -> None:
    trackers = "components:\n  experiment_tracker: [{flavor: wandb}, {flavor: wandb, name: wandb}]"
    with pytest.raises(ConfigError, match="trackers must have different names .name:., but got .'wandb', 'wandb'."):
        read_stack(changed(tmp_path, ("components:", trackers)))
