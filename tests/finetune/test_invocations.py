import pytest

from finetune.invocations import (
    invocation,
    invocations,
    model_of,
    names_of_models,
    suffix_of,
    trial_invocation,
    trial_of,
)

TWO = ["bag", "bag_two"]


def test_one_model_keeps_the_plain_names() -> None:
    for step in ("reconcile", "prepare", "train", "evaluate"):
        assert invocations(step, ["model"], [["model"]]) == [step]
    assert model_of("train", ["model"]) is None
    assert suffix_of("train", ["model"]) == ""


def test_several_models_have_a_step_each_and_share_the_others() -> None:
    assert invocations("train", TWO, [TWO]) == ["train_bag", "train_bag_two"]
    assert invocations("reconcile", TWO, [TWO]) == ["reconcile"]
    assert invocations("prepare", TWO, [TWO]) == ["prepare"]
    assert invocations("prepare", TWO, [["bag"], ["bag_two"]]) == ["prepare_bag", "prepare_bag_two"]


@pytest.mark.parametrize("model", TWO)
@pytest.mark.parametrize("step", ["train", "evaluate"])
def test_a_step_tells_its_model(step: str, model: str) -> None:
    assert model_of(invocation(step, model, TWO), TWO) == model
    assert suffix_of(invocation(step, model, TWO), TWO) == f"_{model}"


def test_a_shared_step_has_no_model_and_a_prepare_only_marks_its_artifacts() -> None:
    assert model_of("prepare_bag", TWO) is None
    assert suffix_of("prepare_bag", TWO) == "_bag"
    assert (model_of("compare", TWO), suffix_of("compare", TWO)) == (None, "")


def test_a_resolved_config_tells_its_models() -> None:
    assert names_of_models({"model": {}, "models": None}) == ["model"]
    assert names_of_models({"model": None, "models": {"b": {}, "a": {}}}) == ["b", "a"]


def test_a_trials_step_is_known_by_its_name() -> None:
    assert trial_of(trial_invocation(12)) == "trial_12"
    assert [trial_of(name) for name in ("train", "trial", "trial_x", "train_trial_1")] == [None] * 4


def test_groups_of_ids_have_a_step_each_in_place_of_prepare() -> None:
    assert invocations("prepare", ["model"], [["model"]], 2) == []
    assert invocations("encode_group", ["model"], [["model"]], 2) == ["encode_group_0", "encode_group_1"]
    assert invocations("merge", TWO, [["bag"], ["bag_two"]], 1) == ["merge_bag", "merge_bag_two"]
    assert invocations("encode_group", TWO, [["bag"], ["bag_two"]], 1) == [
        "encode_group_0_bag",
        "encode_group_0_bag_two",
    ]
    assert invocations("merge", TWO, [TWO]) == invocations("encode_group", TWO, [TWO]) == []
    assert suffix_of("merge_bag", TWO) == "_bag"
