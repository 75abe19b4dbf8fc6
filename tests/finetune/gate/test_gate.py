import math

from hypothesis import assume, given
from hypothesis import strategies as st

from finetune.comparison.bootstrap import Interval
from finetune.config.register import GateConfig
from finetune.gate.gate import Approved, judge

SCORES = st.floats(0, 1)
METRICS = {"macro_f1": 0.842, "accuracy": 0.86, "brier": 0.2, "odd": math.nan}
TFIDF = "TF-IDF + logistic regression"
BASELINES = {"majority": {"macro_f1": 0.1, "brier": 0.7}, "tfidf": {"macro_f1": 0.823, "brier": 0.3}}


def gate(**rules: object) -> GateConfig:
    return GateConfig.model_validate(rules)


def approved(difference: float, lower: float, upper: float) -> Approved:
    return Approved(5, 0.842 - difference, difference, Interval(lower, upper), 40, 40)


def test_a_gate_without_rules_lets_every_model_pass() -> None:
    assert judge({}, gate()).passed and judge({}, gate()).rules == []


def test_each_rule_has_its_value_what_is_required_and_by_how_much_it_is_missed() -> None:
    verdict = judge(METRICS, gate(metrics={"macro_f1": {"min": 0.85}, "brier": {"min": 0.1, "max": 0.25}}))
    assert [(rule.rule, rule.passed) for rule in verdict.rules] == [
        ("metrics.macro_f1.min", False),
        ("metrics.brier.min", True),
        ("metrics.brier.max", True),
    ]
    assert not verdict.passed and verdict.failed == verdict.rules[:1]
    assert (verdict.rules[0].value, verdict.rules[0].required) == (0.842, 0.85)
    assert verdict.rules[0].reason == "macro_f1 0.842 must be at least 0.850: missed by 0.008"
    assert verdict.rules[2].reason == "brier 0.200 must be at most 0.250: kept by 0.050"


def test_a_margin_counts_from_the_best_baseline_and_downwards_where_lower_is_better() -> None:
    verdict = judge(METRICS, gate(above_baselines={"macro_f1": 0.02, "brier": 0.1, "accuracy": 0.1}), BASELINES)
    assert [rule.passed for rule in verdict.rules] == [False, True, False]
    assert verdict.rules[0].reason == f"macro_f1 0.842 must be 0.020 above {TFIDF} (0.823): missed by 0.001"
    assert verdict.rules[1].reason == f"brier 0.200 must be 0.100 below {TFIDF} (0.300): kept by 0.000"
    assert verdict.rules[2].reason == "no baseline has a number for accuracy"


def test_a_metric_that_nobody_computes_or_that_is_no_number_fails_its_rule_with_the_reason() -> None:
    verdict = judge(METRICS, gate(metrics={"recall": {"min": 0}, "odd": {"min": 0}}))
    assert [rule.reason for rule in verdict.failed] == [
        "recall is not computed; computed are macro_f1, accuracy, brier, odd",
        "odd is not a number",
    ]
    wanted = gate(not_worse_than_approved={"metric": "recall"})
    assert not judge(METRICS, wanted, approved=approved(0, 0, 0)).passed


def test_the_approved_version_is_no_rule_before_there_is_one() -> None:
    verdict = judge(METRICS, gate(not_worse_than_approved={"metric": "macro_f1"}))
    assert verdict.passed and verdict.rules[0].reason == "no version is in production yet"


def test_a_model_is_worse_than_the_approved_one_where_the_whole_interval_says_so() -> None:
    rule = gate(not_worse_than_approved={"metric": "macro_f1", "tolerance": 0.01})
    clearly = judge(METRICS, rule, approved=approved(-0.05, -0.08, -0.02))
    assert not clearly.passed
    assert clearly.rules[0].reason == (
        "macro_f1 0.842 is -0.050 to version 5, 95 % interval -0.080 to -0.020; 0.010 is tolerated"
    )
    assert judge(METRICS, rule, approved=approved(-0.02, -0.05, -0.01)).passed
    assert judge(METRICS, rule, approved=approved(0.02, -0.01, 0.05)).passed
    assert not judge(METRICS, rule, approved=Approved(5, 0.8, 0.04, None, 40, 40)).passed


def test_how_many_test_ids_were_compared_is_told_where_it_is_not_all() -> None:
    rule = gate(not_worse_than_approved={"metric": "macro_f1"})
    verdict = judge(METRICS, rule, approved=Approved(5, 0.8, 0.04, Interval(0.01, 0.07), 30, 40))
    assert verdict.rules[0].reason.endswith(
        "; compared on 30 of 40 test ids: version 5 was trained on the others, or drops them"
    )


def test_of_a_metric_that_is_better_low_a_rise_is_worse() -> None:
    rule = gate(not_worse_than_approved={"metric": "brier"})
    assert not judge(METRICS, rule, approved=Approved(5, 0.1, 0.1, Interval(0.05, 0.15), 40, 40)).passed
    assert judge(METRICS, rule, approved=Approved(5, 0.3, -0.1, Interval(-0.15, -0.05), 40, 40)).passed


@given(SCORES, SCORES, SCORES)
def test_a_bound_holds_exactly_where_the_number_does(value: float, least: float, more: float) -> None:
    bounds = {"min": min(least, more), "max": max(least, more)}
    verdict = judge({"score": value}, gate(metrics={"score": bounds}))
    assert verdict.passed == (bounds["min"] - 1e-12 <= value <= bounds["max"] + 1e-12)
    assert verdict.to_dict()["passed"] == verdict.passed


@given(SCORES, st.dictionaries(st.text(max_size=3), SCORES, min_size=1, max_size=4), st.floats(0, 0.5))
def test_a_better_model_never_fails_a_margin_that_a_worse_one_passes(
    value: float, others: dict[str, float], margin: float
) -> None:
    distance = value - max(others.values()) - margin
    assume(distance == 0 or abs(distance) > 1e-9)
    rules = gate(above_baselines={"score": margin})
    baselines = {name: {"score": each} for name, each in others.items()}
    worse, better = (judge({"score": each}, rules, baselines) for each in (value / 2, value))
    assert better.passed or not worse.passed
    assert better.passed == (distance >= 0)


@given(st.floats(-0.3, 0.3), st.floats(0, 0.2), st.floats(0, 0.2), st.floats(0, 0.1))
def test_more_tolerance_never_makes_a_model_fail(middle: float, below: float, above: float, tolerance: float) -> None:
    there = Approved(1, 0.5, middle, Interval(middle - below, middle + above), 40, 40)
    strict, mild = (
        judge({"score": 0.5 + middle}, gate(not_worse_than_approved=rule), approved=there)
        for rule in ({"metric": "score"}, {"metric": "score", "tolerance": tolerance})
    )
    assert mild.passed or not strict.passed
    assert strict.passed == (middle + above >= -1e-12)
