from collections.abc import Callable

import pytest

from finetune.config.load import load_config
from finetune.errors import ConfigError
from tests.finetune.config.conftest import MINIMAL

Write = Callable[..., str]
GROUP = """\
pipeline: features
features:
  group:
    name: signals
    record_identifier: id
    event_time: at
    features: {mean: fractional}
"""
FETCHED = MINIMAL.replace("files: raw", "files: group://signals").replace("[a.txt]", "[features.json]")


def problem(path: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_a_group_is_filled_by_one_pipeline_and_named_by_the_other(write: Write) -> None:
    filled = load_config(write(GROUP)).features.group
    assert filled is not None and filled.features == {"mean": "fractional"}
    assert load_config(write(start=FETCHED)).production.group == "signals"
    assert load_config(write()).production.group is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("mean: fractional", "mean: float", "must be 'string', 'integral' or 'fractional', but got 'float'"),
        ("mean: fractional", "Id: string", "each feature must have a name of its own, whatever its case"),
        ("mean: fractional", "write_time: string", "a name that the feature store keeps for itself"),
        ("mean: fractional", "q0.5: string", "features.group.features"),
        ("name: signals", "name: -signals", "features.group.name"),
    ],
)
def test_what_a_feature_store_would_refuse_is_refused(write: Write, old: str, new: str, said: str) -> None:
    assert said in problem(write(GROUP.replace(old, new)))


def test_files_and_groups_do_not_mix(write: Write) -> None:
    assert "files_from_production must be [features.json]" in problem(
        write(start=FETCHED.replace("features.json", "a.txt"))
    )
    assert "files must be group:// and the name of a feature group" in problem(
        write(start=FETCHED.replace("group://signals", "group://my signals"))
    )
    assert "production.files must be files where pipeline is features" in problem(write(GROUP, start=FETCHED))
