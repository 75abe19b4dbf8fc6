from cli.summary import verdict_of
from finetune.runs import Run, Status


def test_the_verdict_on_the_terminal_is_the_reports_sentence() -> None:
    run = Run(
        experiment="EXP-1-test",
        run_number=1,
        status=Status.COMPLETED,
        stack="local",
        started="2026-03-02T14:31:07+00:00",
        metrics={"accuracy": 0.9, "macro_f1": 0.885},
        baselines={"majority": {"macro_f1": 0.1}, "tfidf": {"macro_f1": 0.9}},
        margins={"majority": {"macro_f1": [0.7, 0.8]}, "tfidf": {"macro_f1": [-0.04, 0.01]}},
        versions={},
        config={"train": {"best_metric": "loss"}},
    )
    assert verdict_of(run) == (
        "Macro F1 0.885 on the test split: 0.785 above the majority label, 0.015 below TF-IDF + logistic regression "
        "(perhaps by luck)."
    )
