import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.errors import ClientFault, ServiceError
from rehearsal.pipelines.conditions import holds
from rehearsal.pipelines.definition import parameter_values, parse, ready, waits_for
from rehearsal.pipelines.expressions import at_path, resolve
from rehearsal.pipelines.retries import wait_before_retry


def text(*steps: dict[str, Any], parameters: list[dict[str, Any]] | None = None) -> str:
    return json.dumps({"Parameters": parameters or [], "Steps": [{"Type": "Training"} | step for step in steps]})


@given(st.dictionaries(st.integers(0, 8), st.sets(st.integers(0, 8))))
def test_every_definition_without_a_circle_runs_to_its_end(graph: dict[int, set[int]]) -> None:
    steps = [{"Name": str(name), "DependsOn": [str(on) for on in waits if on < name]} for name, waits in graph.items()]
    names = {step["Name"] for step in steps}
    for step in steps:
        step["DependsOn"] = [name for name in step["DependsOn"] if name in names]
    definition = parse(text(*steps))
    done: dict[str, str] = {}
    while free := ready(definition.steps, done):
        assert all(waits_for(definition.steps[name]) <= done.keys() for name in free)
        done |= dict.fromkeys(free, "Succeeded")
    assert done.keys() == definition.steps.keys()


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (
            [{"Name": "a", "DependsOn": ["b"]}, {"Name": "b", "DependsOn": ["a"]}],
            "circular dependency among the steps a, b",
        ),
        ([{"Name": "a", "DependsOn": ["z"]}], "steps that do not exist: z"),
        ([{"Name": "a"}, {"Name": "a"}], "unique"),
        ([{"Name": "a", "Type": "Lambda"}], "type Lambda is not rehearsed"),
    ],
)
def test_a_definition_that_cannot_run_is_refused(steps: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        parse(text(*steps))


def test_a_step_waits_for_those_whose_results_it_names() -> None:
    step = {"DependsOn": ["a"], "Arguments": {"X": [{"Std:Join": {"On": "", "Values": [{"Get": "Steps.b.Y"}]}}]}}
    assert waits_for(step) == {"a", "b"}


def test_parameters_have_their_own_type() -> None:
    kinds = {"Count": "Integer", "Rate": "Float", "Name": "String", "Fast": "Boolean"}
    definition = parse(text(parameters=[{"Name": name, "Type": kind} for name, kind in kinds.items()]))
    given_values = {"Count": "2", "Rate": "0.5", "Name": "n", "Fast": "false"}
    found = parameter_values(definition, [{"Name": name, "Value": value} for name, value in given_values.items()])
    assert found == {"Count": 2, "Rate": 0.5, "Name": "n", "Fast": False}
    with pytest.raises(ServiceError, match="without a value: Count"):
        parameter_values(definition, [])


def test_variables_are_replaced_wherever_they_stand() -> None:
    value = {"a": [{"Get": "Parameters.P"}], "b": {"Std:Join": {"On": "-", "Values": ["x", {"Get": "Parameters.P"}]}}}
    assert resolve(value, lambda path: 3, lambda _: None) == {"a": [3], "b": "x-3"}


def test_a_path_goes_through_names_and_numbers() -> None:
    value = {"Outputs": {"rows": {"Uri": ["s3://a", "s3://b"]}}}
    assert at_path(value, "Outputs['rows'].Uri[1]") == "s3://b"
    with pytest.raises(ClientFault, match="Unable to resolve property path"):
        at_path(value, "Outputs['columns']")


@pytest.mark.parametrize(
    ("kind", "left", "right", "is_so"), [("GreaterThanOrEqualTo", 2, 2, True), ("LessThan", 2, 1, False)]
)
def test_conditions_compare(kind: str, left: int, right: int, is_so: bool) -> None:
    condition = {"Type": kind, "LeftValue": left, "RightValue": right}
    assert holds(condition, lambda value: value) is is_so
    assert holds({"Type": "Not", "Expression": condition}, lambda value: value) is not is_so


def test_only_what_a_policy_names_is_retried() -> None:
    policy = [
        {"ExceptionType": ["SageMaker.RESOURCE_LIMIT"], "IntervalSeconds": 2, "BackoffRate": 3.0, "MaxAttempts": 3}
    ]
    limit = "ClientError: The account-level service limit 'x' is 0 Instances"
    waits = [wait_before_retry(policy, attempts, limit) for attempts in (1, 2, 3)]
    assert waits == [2.0, 6.0, None]
    assert wait_before_retry(policy, 1, "ClientError: AlgorithmError: , exit code: 1") is None
