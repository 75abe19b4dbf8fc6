import re

import botocore.session
from hypothesis import given
from hypothesis import strategies as st

from operators.names import job_name

SHAPE = botocore.session.get_session().get_service_model("sagemaker").shape_for("TrainingJobName")
PARTS = st.lists(st.text(max_size=90), max_size=4)


@given(PARTS)
def test_every_name_keeps_awss_rule(parts: list[str]) -> None:
    name = job_name(*parts)
    assert len(name) <= SHAPE.metadata["max"]
    assert re.fullmatch(SHAPE.metadata["pattern"], name)


@given(PARTS, PARTS)
def test_two_names_are_the_same_only_for_the_same_parts(one: list[str], other: list[str]) -> None:
    assert (job_name(*one) == job_name(*other)) == (one == other)


def test_names_that_are_cut_or_cleaned_alike_do_not_clash() -> None:
    assert job_name("a_b") != job_name("a-b") != job_name("a", "b")
    long = "x" * 200
    assert job_name(long) != job_name(long + "y")


def test_the_beginning_stays_readable() -> None:
    assert job_name("EXP-3333-license-mentions-12", "train:0").startswith("EXP-3333-license-mentions-12-train-0-")
