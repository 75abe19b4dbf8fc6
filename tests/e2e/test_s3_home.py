"""The same experiment with home, files and labels in S3, prepared in groups: same files, predictions and metrics."""

from pathlib import Path

import boto3

from finetune.storage.publish import publish
from tests.e2e.workbench import Workbench
from tests.finetune.s3_server import account_of, environment, objects, s3_server

PREDICT = """
from finetune.evaluation.predict import load_run
path = {text!r}
print(load_run({home!r}, 1).predict([{{"text.json": path}}])[0])
"""


def test_a_run_whose_home_and_production_lie_in_s3_gives_what_a_local_one_gives(bench: Workbench) -> None:
    local = bench.warm_run()
    assert local.code == 0, local.said
    with s3_server() as address, environment(**account_of(address)):
        boto3.client("s3").create_bucket(Bucket="team")
        publish(bench.production, "s3://team/production")
        bench.config["experiment"] = "EXP-2-in-s3"
        bench.config["root"] = "s3://team/outputs"
        bench.config["production"]["files"] = "s3://team/production/files"
        bench.config["production"]["labels"]["url"] = "s3://team/production/labels.db"
        bench.config["prepare"]["shards"] = {"groups": 2}
        bench.write_config()
        checked = bench.run("--check", **account_of(address))
        assert (checked.code, "were tried on 4 ids" in checked.out) == (0, True), checked.said
        remote = bench.run(**account_of(address))
        assert remote.code == 0, remote.said
        assert all(f"{step} " in remote.out for step in ("divide", "encode_group_0", "encode_group_1", "merge"))
        home = "outputs/EXP-2-in-s3"
        found = objects("team", home)
        at_home = {key.removeprefix(f"{home}/data/"): value for key, value in found.items() if "/processed" not in key}
        folder = bench.folder / "outputs" / bench.experiment / "data" / "reconciled_artifacts"
        files = {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in folder.rglob("*.json")}
        assert {key: value for key, value in at_home.items() if key.startswith("reconciled_artifacts/")} == files
        assert not [key for key in at_home if key.startswith("parts/")]
        assert b"<html" in found[f"{home}/runs/1/report.html"]
        copied = Path("outputs", "from-local", "EXP-2-in-s3", "1", "report.html")
        assert f"report     {copied}" in remote.out
        assert (bench.working_directory() / copied).read_bytes() == found[f"{home}/runs/1/report.html"]
        text = str(Path(bench.production, "files", "id00", "text.json"))
        code = PREDICT.format(text=text, home=f"s3://team/{home}")
        predicted = bench.python(code, **account_of(address))
        assert "'apple'" in predicted.out, predicted.said
        again = bench.run(**account_of(address))
        assert "evaluate cached" in again.out, again.said
        remote_metrics = _table(remote.out)
    assert remote_metrics == _table(local.out)


def _table(out: str) -> list[str]:
    return [line for line in out.splitlines() if "this model" in line or "TF-IDF" in line or "majority" in line]
