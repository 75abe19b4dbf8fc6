from typing import Any

import pytest

from cli.compose import OPERATOR, groups_of, machines, templates
from finetune.config.experiment import ExperimentConfig

CONFIG: dict[str, Any] = {
    "experiment": "EXP-1-composed",
    "functions": "tiny",
    "production": {"labels": {"file": "labels.csv"}, "files": "files", "files_from_production": ["a.txt"]},
    "compute": {"prepare": {"instance_type": "ml.m5.large"}, "train": {"instance_type": "ml.g5.xlarge"}},
}
MODELS = {"wide": {"width": 16}, "bag": {"ngrams": 2}}


def test_one_models_steps_get_their_machines_by_their_plain_names() -> None:
    config = ExperimentConfig.model_validate(CONFIG)
    found = machines(config, groups_of(config, {}))
    assert found.keys() == {"prepare", "train"}
    assert found["train"]["step_operator"] is True
    assert found["train"]["settings"][OPERATOR]["machines"]["instance_type"] == "ml.g5.xlarge"


def test_each_of_several_models_gets_the_machines_of_its_step() -> None:
    config = ExperimentConfig.model_validate({**CONFIG, "models": MODELS})
    apart = machines(config, groups_of(config, {}))
    assert apart.keys() == {"prepare_wide", "prepare_bag", "train_wide", "train_bag"}
    assert apart["train_wide"] == apart["train_bag"]
    together = groups_of(config, dict.fromkeys(MODELS, frozenset()))
    assert machines(config, together).keys() == {"prepare", "train_wide", "train_bag"}


def test_the_machines_of_a_tuning_job_are_no_machines_of_the_step_that_waits_for_it() -> None:
    space = {"train.learning_rate": {"uniform": [0.1, 0.2]}}
    with_tune = {**CONFIG, "steps": {"tune": True}, "compute": {"tune": {"instance_type": "ml.m5.large"}}}
    for engine, found in (("study", {"tune"}), ("sagemaker", set())):
        config = ExperimentConfig.model_validate({**with_tune, "tune": {"engine": engine, "space": space}})
        assert machines(config, groups_of(config, {})).keys() == found


def test_each_group_and_merge_get_machines_in_place_of_prepare() -> None:
    compute = {**CONFIG["compute"], "encode_group": {"instance_type": "ml.m5.4xlarge"}}
    compute["merge"] = {"instance_type": "ml.m5.large"}
    divided = {**CONFIG, "prepare": {"shards": {"groups": 2}}, "compute": compute}
    config = ExperimentConfig.model_validate(divided)
    found = machines(config, groups_of(config, {}))
    assert found.keys() == {"encode_group_0", "encode_group_1", "merge", "train"}
    assert found["encode_group_1"]["settings"][OPERATOR]["machines"]["instance_type"] == "ml.m5.4xlarge"
    assert templates({**found, "tune": {}}).keys() == {"encode_group", "merge", "train", "trial"}
    of_two = ExperimentConfig.model_validate({**divided, "models": MODELS})
    assert machines(of_two, groups_of(of_two, {})).keys() >= {"encode_group_0_wide", "encode_group_1_bag", "merge_bag"}
    compute["encode_groups"] = [{"instance_type": "ml.m5.24xlarge"}]
    larger = ExperimentConfig.model_validate({**divided, "models": MODELS})
    types = {
        name.rpartition("_")[0]: each["settings"][OPERATOR]["machines"]["instance_type"]
        for name, each in machines(larger, groups_of(larger, {})).items()
    }
    assert (types["encode_group_0"], types["encode_group_1"]) == ("ml.m5.24xlarge", "ml.m5.4xlarge")
    features = ExperimentConfig.model_validate({**divided, "pipeline": "features"})
    assert machines(features, groups_of(features, {})).keys() == {"encode_group_0", "encode_group_1", "merge"}


def test_a_group_has_one_machine() -> None:
    two = {"instance_type": "ml.m5.large", "instance_count": 2}
    with pytest.raises(ValueError, match=r"compute.encode_group.instance_count: must be 1: each group has a machine"):
        ExperimentConfig.model_validate({**CONFIG, "compute": {"encode_group": two}})
    wrong = r"encode_groups.0.instance_count: must be 1.*groups: must be at most prepare.shards.groups \(0\), but are 1"
    with pytest.raises(ValueError, match=wrong):
        ExperimentConfig.model_validate({**CONFIG, "compute": {"encode_groups": [two]}})


DEALT = {"shards": {"groups": 4, "by": "s3_key"}}
ENCODES = {"encode_group": {"instance_type": "ml.m5.4xlarge"}}


@pytest.mark.parametrize("pipeline", ["features", "finetune"])
def test_files_are_dealt_to_the_instances_of_one_job(pipeline: str) -> None:
    root, files = "s3://bucket/outputs", "s3://bucket/production/files"
    changes = {"pipeline": pipeline, "root": root, "production": {**CONFIG["production"], "files": files}}
    config = ExperimentConfig.model_validate({**CONFIG, **changes, "prepare": DEALT, "compute": ENCODES})
    found = machines(config, groups_of(config, {}))
    assert found.keys() == {"encode_group_0"}
    entry = found["encode_group_0"]["settings"][OPERATOR]["machines"]
    where = files if pipeline == "features" else f"{root}/EXP-1-composed/data/reconciled_artifacts"
    assert entry["inputs"] == {"files": f"{where}/"}
    assert (entry["instance_count"], entry["distribution"], entry["input_mode"]) == (4, "ShardedByS3Key", "FastFile")
    alone = {"shards": {"groups": 1, "by": "s3_key"}}
    config = ExperimentConfig.model_validate({**CONFIG, **changes, "prepare": alone, "compute": ENCODES})
    entry = machines(config, groups_of(config, {}))["encode_group_0"]["settings"][OPERATOR]["machines"]
    assert entry["instance_count"] == 1 and entry["inputs"] == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"reconcile": {"files_at_home": ["a.txt", "b.txt"]}}, "each id must have one, but has a.txt, b.txt; write fo"),
        (
            {"prepare": {"shards": {**DEALT["shards"], "parallel": 2}}},
            "prepare.shards.parallel: with by: s3_key all gr",
        ),
        (
            {"compute": {**ENCODES, "encode_groups": [ENCODES["encode_group"]]}},
            "compute.encode_groups: with prepare.sh",
        ),
        ({"compute": {}}, "prepare.shards.by: s3_key needs machines to deal files to; add compute.encode_group"),
        (
            {"compute": {"encode_group": {**ENCODES["encode_group"], "inputs": {"words": "s3://bucket/words"}}}},
            "compute.encode_group.inputs: they would be dealt out, too",
        ),
    ],
)
def test_what_cannot_be_dealt_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ExperimentConfig.model_validate({**CONFIG, "prepare": DEALT, "compute": ENCODES, **changes})


def test_features_have_no_several_models() -> None:
    with pytest.raises(ValueError, match="models does not go with pipeline: features"):
        ExperimentConfig.model_validate({**CONFIG, "pipeline": "features", "models": MODELS})
