"""What the steps of a run are called: one model keeps each step's plain name, several have branches of their own. Pure.

`model` stands for the model's name, `models` for the names of all in the config's order.
"""

from collections.abc import Collection, Iterable, Mapping

OF_A_MODEL = ("train", "evaluate")
"""The steps that each model has."""
OF_A_DATASET = ("prepare", "encode_group", "merge")
"""The steps that each group of models with a dataset of their own has."""
TRIAL = "trial_"


def invocation(step: str, model: str, models: Collection[str]) -> str:
    """The name of a model's step: `train`, or `train_<model>` where there are several."""
    return step if len(models) == 1 else f"{step}_{model}"


def preparations(groups: Iterable[Collection[str]]) -> list[str]:
    """The name of each group's prepare: `prepare`, or that with its first model where there are several groups."""
    firsts = [next(iter(group)) for group in groups]
    return [invocation("prepare", first, firsts) for first in firsts]


def encodings(prepared: str, shards: int) -> list[str]:
    """The names of the steps that encode the groups of ids in place of the prepare of that name."""
    return [f"encode_group_{number}{prepared.removeprefix('prepare')}" for number in range(shards)]


def merging(prepared: str) -> str:
    """The name of the step that merges in place of the prepare of that name."""
    return f"merge{prepared.removeprefix('prepare')}"


def invocations(step: str, models: Collection[str], groups: Iterable[Collection[str]], shards: int = 0) -> list[str]:
    """All names under which a step runs.

    Args:
        step: The step.
        models: All models.
        groups: The models that share a dataset.
        shards: Groups of ids; 0 where prepare encodes all.
    """
    if step in OF_A_MODEL:
        return [invocation(step, model, models) for model in models]
    if step not in OF_A_DATASET:
        return [step]
    prepared = preparations(groups)
    if step == "prepare":
        return [] if shards else prepared
    if step == "merge":
        return [merging(each) for each in prepared] if shards else []
    return [name for each in prepared for name in encodings(each, shards)]


def model_of(name: str, models: Collection[str]) -> str | None:
    """The model whose branch a step of this name stands in; None where there is one model, or it is no one's own."""
    if len(models) == 1:
        return None
    return next((model for model in models for step in OF_A_MODEL if name == f"{step}_{model}"), None)


def trial_invocation(number: int) -> str:
    """The name of a trial's step."""
    return f"{TRIAL}{number}"


def trial_of(name: str) -> str | None:
    """The name, where it is that of a trial's step."""
    return name if name.startswith(TRIAL) and name.removeprefix(TRIAL).isdigit() else None


def suffix_of(name: str, models: Collection[str]) -> str:
    """What an artifact's name takes on in run.json, so that no two branches have one of the same name."""
    if len(models) == 1:
        return ""
    found = [model for model in models for step in (*OF_A_MODEL, "prepare", "merge") if name == f"{step}_{model}"]
    return f"_{found[0]}" if found else ""


def names_of_models(config: Mapping[str, object]) -> list[str]:
    """The names of a resolved config's models; one without a name is called model."""
    models = config.get("models")
    return list(models) if isinstance(models, Mapping) else ["model"]
