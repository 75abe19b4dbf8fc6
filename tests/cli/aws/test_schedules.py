"""A schedule from its creation to its end, on a rehearsal: what its runs claim, and who records how they end."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal import Rehearsal, Settings
from rehearsal.fixture import skip_where_refused
from stacks.files import load_stack
from stacks.iam.render import render
from tests.checkout import put_rooms
from tests.cli.aws.test_runs import PROJECT, ROOT, Ran
from tests.e2e.workbench import Workbench, clean_environment
from tests.rehearsal.zenml.test_pipeline import ELSEWHERE, allows

EXPERIMENT = "EXP-9-scheduled"
MORNINGS, SUNDAYS = "0 6 ? * MON-FRI *", "30 7 ? * SUN *"
RUNS = f"outputs/{EXPERIMENT}/runs"


@dataclass
class Bench:
    """Runs the commands as a client of the rehearsal, and looks at what they leave."""

    up: Rehearsal
    made: Workbench

    def runs(self, **commands: str) -> dict[str, Ran]:
        """Commands of run.py, one after the other; words are separated by |."""
        environment = clean_environment(self.made.zenml) | self.up.environment | {"PYTHONPATH": str(ROOT)}
        ran = subprocess.run(
            [sys.executable, "commands.py", *commands.values()],
            env=environment | {"ZENML_LOGGING_VERBOSITY": "CRITICAL"},
            cwd=self.made.project,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        lines = [line for line in ran.stdout.splitlines() if line.startswith('{"code"')]
        return {name: Ran(**json.loads(line)) for name, line in zip(commands, lines, strict=True)}

    def create(self, *more: str) -> str:
        return "|".join(["schedule", "create", "--config", str(self.made.config_file), "--cron", MORNINGS, *more])

    def fire(self, schedule: str, number: int) -> str:
        """Fires it, and waits until the run has claimed its number; gives the execution's ARN."""
        execution = self.up.fire(schedule)
        self.until(lambda: self.record(number))
        return execution

    def execution(self, arn: str) -> str:
        """How far an execution is."""
        found = self.up.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
        return str(found["PipelineExecutionStatus"])

    def schedules(self) -> list[dict[str, Any]]:
        """The schedules of EventBridge."""
        scheduler = self.up.client("scheduler")
        return [scheduler.get_schedule(Name=each["Name"]) for each in scheduler.list_schedules()["Schedules"]]

    def read(self, number: int, name: str) -> str | None:
        try:
            found = self.up.client("s3").get_object(Bucket="rehearsal", Key=f"{RUNS}/{number}/{name}")
        except ClientError:
            return None
        return str(found["Body"].read().decode())

    def record(self, number: int) -> dict[str, Any]:
        return dict(json.loads(self.read(number, "run.json") or "{}"))

    def until(self, there: Callable[[], Any], seconds: float = 180) -> None:
        ends = time.monotonic() + seconds
        while not there():
            assert time.monotonic() < ends
            time.sleep(0.5)


@dataclass(frozen=True)
class Story:
    """What was seen from a schedule's creation to its end; its second run is stopped."""

    created: dict[str, Ran]
    target: dict[str, Any]
    claimed: list[dict[str, Any]]
    changed: dict[str, Ran]
    expression: str
    left: list[dict[str, Any]]
    ended: dict[str, Ran]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    skip_where_refused()
    folder = tmp_path_factory.mktemp("schedules")
    made = Workbench.make(folder, folder / "zen", EXPERIMENT)
    put_rooms(made.project, "finetune", "materializers", "operators", "steps")
    shutil.copytree(Path(__file__).parent / "scheduled", made.project, dirs_exist_ok=True)
    shutil.copy(PROJECT / "commands.py", made.project)
    with Rehearsal(made.project / "outputs" / "rehearsal", Settings(project=str(made.project), stop_grace_s=3.0)) as up:
        bucket = up.client("s3")
        for path in made.production.rglob("*"):
            if path.is_file():
                bucket.upload_file(str(path), "rehearsal", f"production/tiny/{path.relative_to(made.production)}")
        yield Bench(up, made)


@pytest.fixture(scope="module")
def story(bench: Bench) -> Story:
    created = bench.runs(first=bench.create(), second=bench.create(), listed="schedule|list")
    assert created["first"].code == 0, created
    (schedule,) = bench.schedules()
    execution = bench.fire(schedule["Name"], 1)
    bench.fire(schedule["Name"], 2)
    claimed = [bench.record(1), bench.record(2)]
    changed = bench.runs(update=f"schedule|update|{EXPERIMENT}|--cron|{SUNDAYS}", listed="schedule|list")
    (updated,) = bench.schedules()
    early = bench.runs(
        early=f"schedule|delete|{EXPERIMENT}",
        missing="schedule|list",
        resumed=f"--config|{bench.made.config_file}|--run-number|2",
        stop=f"stop|{EXPERIMENT}/2",
    )
    left = bench.schedules()
    bench.until(lambda: bench.execution(execution) == "Succeeded")
    ended = bench.runs(
        status=f"status|{EXPERIMENT}/1",
        again=f"status|{EXPERIMENT}/1",
        unknown=f"status|{EXPERIMENT}/3",
        deleted=f"schedule|delete|{EXPERIMENT}",
        listed="schedule|list",
        twice=f"schedule|delete|{EXPERIMENT}",
        none=f"schedule|update|{EXPERIMENT}|--cron|{SUNDAYS}",
    )
    return Story(created, schedule["Target"], claimed, changed | early, updated["ScheduleExpression"], left, ended)


def test_a_config_whose_functions_fail_and_a_role_that_aws_refuses_leave_nothing(bench: Bench) -> None:
    iam = bench.up.client("iam")
    trust = json.dumps(iam.get_role(RoleName="rehearsal-scheduler")["Role"]["AssumeRolePolicyDocument"])
    another = trust.replace("scheduler.amazonaws.com", "sagemaker.amazonaws.com")
    iam.update_assume_role_policy(RoleName="rehearsal-scheduler", PolicyDocument=another)
    told = bench.runs(
        bad=bench.create("--set", "prepare.split.by=nobody"), refused=bench.create(), listed="schedule|list"
    )
    iam.update_assume_role_policy(RoleName="rehearsal-scheduler", PolicyDocument=trust)
    assert (told["bad"].code, "prepare.split.by: must be a column of the labels" in told["bad"].err) == (2, True)
    assert (told["refused"].code, "must allow AWS EventBridge Scheduler to assume" in told["refused"].err) == (2, True)
    assert told["refused"].err.rstrip().endswith("nothing is scheduled")
    assert (told["listed"].out, bench.schedules()) == ("stack rehearsal has no schedules\n", [])


def test_it_is_created_once_and_listed_with_its_times(story: Story) -> None:
    assert story.created["first"].out.startswith(f"{EXPERIMENT}: runs on stack rehearsal at cron({MORNINGS}), UTC")
    second = story.created["second"]
    assert (second.code, f"{EXPERIMENT} has a schedule; " in second.err) == (2, True)
    assert story.created["listed"].out == f"{EXPERIMENT}  cron({MORNINGS})  ENABLED  no run yet\n"
    assert story.target["RoleArn"].endswith(":role/rehearsal-scheduler")


def test_each_firing_claims_a_number_of_its_own_and_is_recorded_as_running(story: Story) -> None:
    assert [record["run_number"] for record in story.claimed] == [1, 2]
    for record in story.claimed:
        assert (record["status"], record["stack"], record["experiment"]) == ("running", "rehearsal", EXPERIMENT)
        assert record["config"]["root"] == "s3://rehearsal/outputs"
        assert record["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))


def test_other_times_reach_eventbridge_and_the_list_names_the_newest_run(story: Story) -> None:
    assert story.changed["update"].out == f"{EXPERIMENT}: now runs at cron({SUNDAYS}), UTC\n"
    assert story.expression == f"cron({SUNDAYS})"
    shown = f"{EXPERIMENT}  cron({SUNDAYS})  ENABLED  newest run: {EXPERIMENT}/2, running\n"
    assert story.changed["listed"].out == shown


def test_deleting_it_while_it_runs_ends_its_firing_and_lets_the_run_go_on(story: Story) -> None:
    early = story.changed["early"]
    assert (early.code, story.left) == (2, [])
    assert "no more runs of its schedule begin, but one still runs, with the schedule's credentials" in early.err
    assert f"python run.py stop {EXPERIMENT}/2 --stack rehearsal" in early.err
    assert "  missing  " in story.changed["missing"].out


def test_a_scheduled_run_that_still_runs_is_not_resumed(story: Story) -> None:
    resumed = story.changed["resumed"]
    assert (resumed.code, "still runs on stack rehearsal; wait for it" in resumed.err) == (2, True), resumed


def test_status_records_how_a_run_ended_that_nobody_followed_once(story: Story, bench: Bench) -> None:
    first, again = story.ended["status"], story.ended["again"]
    assert (first.code, first.out.splitlines()[0].endswith(": completed")) == (0, True)
    assert "its outcome is written into s3://rehearsal/" in first.err and "outcome" not in again.err
    record = bench.record(1)
    assert (record["status"], record["metrics"]) == ("completed", {"accuracy": 0.5})
    assert record["baselines"] == {"majority": {"accuracy": 0.25}}
    assert record["artifacts"].keys() == {"production", "labels", "metrics", "report"}
    assert record["seconds"]["snapshot"] > 0 and record["seconds"].keys() == {"snapshot", "judge"}
    assert bench.read(1, "report.html") == f"<p>{EXPERIMENT}, run 1, begun {story.claimed[0]['started']}</p>"
    assert {**record, **OUTCOME} == {**story.claimed[0], **OUTCOME}


def test_stop_records_that_the_run_was_stopped(story: Story, bench: Bench) -> None:
    stopped = story.changed["stop"]
    assert (stopped.code, "stopped pipeline execution" in stopped.out) == (0, True)
    record = bench.record(2)
    assert (record["status"], record["metrics"], sorted(record["artifacts"])) == (
        "stopped",
        {},
        ["labels", "production"],
    )


def test_deleted_it_is_gone_everywhere_and_unknown_names_are_errors(story: Story, bench: Bench) -> None:
    ended = story.ended
    assert (ended["deleted"].code, ended["deleted"].out) == (0, f"{EXPERIMENT}: its schedule is deleted\n")
    assert (ended["listed"].out, bench.schedules()) == ("stack rehearsal has no schedules\n", [])
    for name in ("twice", "none"):
        assert (ended[name].code, f"{EXPERIMENT} has no schedule on this stack" in ended[name].err) == (2, True)
    assert f"stack rehearsal has no such run; its newest: {EXPERIMENT}/2, {EXPERIMENT}/1" in ended["unknown"].err


def test_each_call_is_allowed_by_its_policy_and_all_that_schedules_may_do_is_done(story: Story, bench: Bench) -> None:
    values = load_stack("rehearsal").values
    assert values is not None
    roles = {"submitter": "client", "execution-role": values.role, "scheduler": values.scheduler_role}
    for policy, role in roles.items():
        allowed = render(policy, values)["Statement"]
        seen = [call for call in bench.up.calls() if call["role"] == role]
        assert [call for call in seen if not allows(allowed, call["action"], call["resource"])] == []
        may = {
            action for each in allowed for action in each["Action"] if policy == "scheduler" or "Sched" in each["Sid"]
        }
        may |= ELSEWHERE.get(policy, {}).get("test_schedules", set())
        assert may - {"iam:GetRole", "iam:PassRole"} <= {call["action"] for call in seen}


OUTCOME = dict.fromkeys(("status", "metrics", "baselines", "labels", "artifacts", "seconds"))
