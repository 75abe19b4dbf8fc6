"""What is tracked of an evaluation."""

from finetune.tracking.results import result_names


def test_metrics_have_the_name_of_who_reached_them() -> None:
    names = result_names({"macro_f1": 0.9}, {"majority": {"macro_f1": 0.1}, "tfidf": {"macro_f1": 0.8}})
    assert names == {"test_macro_f1": 0.9, "majority_macro_f1": 0.1, "tfidf_macro_f1": 0.8}
