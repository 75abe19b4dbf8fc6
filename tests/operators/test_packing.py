import os
import re

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import ComputeError
from operators.packing import COMMAND, PIECE, pack, unpack

MODEL = botocore.session.get_session().get_service_model("sagemaker")
NAMES = st.text(min_size=1, max_size=30).filter(lambda name: not name.startswith(PIECE) and name != COMMAND)
ENVIRONMENTS = st.dictionaries(NAMES, st.text(max_size=60) | st.text(alphabet="ab\n", min_size=500, max_size=530))
COMMANDS = st.lists(st.text(max_size=300), max_size=6)


@given(ENVIRONMENTS, COMMANDS)
def test_what_is_packed_fits_and_comes_back_as_it_was(environment: dict[str, str], command: list[str]) -> None:
    packed = pack(environment, command)
    assert len(packed) <= MODEL.shape_for("TrainingEnvironmentMap").metadata["max"]
    assert all(re.fullmatch(MODEL.shape_for("TrainingEnvironmentKey").metadata["pattern"], name) for name in packed)
    longest = MODEL.shape_for("TrainingEnvironmentValue").metadata["max"]
    assert all(len(value.encode()) <= longest for value in packed.values())
    assert unpack(packed | {"PATH": os.defpath}) == (environment | {"PATH": os.defpath}, command)


def test_short_values_stay_readable_and_more_than_100_variables_fit() -> None:
    assert pack({"A": "x"}, ["run"]) == {"A": "x", COMMAND: '["run"]'}
    many = {f"NAME_{number}": "x" * 50 for number in range(300)}
    assert len(pack(many, [])) <= 100
    assert unpack(pack(many, [])) == (many, [])


def test_more_than_the_service_takes_is_refused_with_both_sizes() -> None:
    with pytest.raises(ComputeError, match=r"has 60,\d+ characters and SageMaker takes 51,200"):
        pack({"A": "x" * 60_000}, [])
