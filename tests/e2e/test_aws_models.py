"""Several models on SageMaker, as a rehearsal serves it: a job each, and one that fails leaves the other to go on."""

from collections.abc import Iterator

import pytest

from rehearsal.fixture import skip_where_refused
from tests.e2e.aws import Aws, on_aws
from tests.e2e.workbench import UNCHECKED, Workbench

FAILS = "this model cannot learn"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    skip_where_refused()
    folder = tmp_path_factory.mktemp("models")
    bench = Workbench.make(folder, folder / "zenml", "EXP-7-models-on-aws")
    bench.replace(
        "        logits = self.head",
        "        if len(input_ids) > 4 and self.embedding.embedding_dim == 3:  # run.py tries it on 4\n"
        f"            raise RuntimeError({FAILS!r})\n"
        "        logits = self.head",
    )
    del bench.config["model"]
    bench.config["models"] = {"wide": {"width": 16}, "narrow": {"width": 3}}
    bench.config["compute"] = {"train": {"instance_type": "ml.m5.large"}}
    bench.config["checks"] = UNCHECKED
    with on_aws(bench) as aws:
        yield aws


def test_each_model_trains_in_a_job_of_its_own_and_a_failure_fails_the_run_alone(aws: Aws) -> None:
    code, said = aws.run()
    assert code == 1, said
    record = aws.record(1)
    assert record["status"] == "failed", said
    assert FAILS in record["models"]["narrow"]["failure"]
    assert record["models"]["wide"]["cost"].startswith("price not known: 0.00 h of 1 x ml.m5.large")
    assert "models.narrow: train: " in said and "conclude failed: " in said
    jobs = aws.up.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    assert sorted(job["TrainingJobStatus"] for job in jobs) == ["Completed", "Completed"]
    pages = aws.up.client("s3").list_objects_v2(Bucket="rehearsal", Prefix=f"outputs/{aws.bench.experiment}/runs/1/")
    names = {each["Key"].rpartition("/")[2] for each in pages["Contents"]}
    assert {"comparison.html", "report_wide.html", "report_narrow.html", "run.json"} <= names

    code, told = aws.command("status", f"{aws.bench.experiment}/1")
    assert code == 1
    for step in ("prepare ", "train_wide", "train_narrow", "evaluate_narrow", "compare", "conclude"):
        assert f"  {step}" in told, told
