"""What `run.py schedule` refuses before it asks ZenML or AWS; the rest is in test_schedules.py."""

import pytest

from cli.aws.scheduled import scheduled
from finetune.config.load import load_config
from finetune.errors import ConfigError
from tests.cli.test_main import run

CRON = "0 6 ? * MON-FRI *"
CONFIG = "configs/EXP-3333.yaml"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "--config", CONFIG, "--cron", "0 6 * * 1"], "--cron: must be the six fields of AWS"),
        (["create", "--config", CONFIG, "--cron", "61 6 ? * MON *"], "--cron: minutes must be 0-59"),
        (["create", "--config", "configs/none.yaml", "--cron", CRON], "configs/none.yaml"),
        (["create", "--config", CONFIG, "--cron", CRON, "--set", "train.epochs=0"], "train.epochs: must be"),
        (["create", "--config", CONFIG, "--cron", CRON, "--stack", "local"], "--stack local: its runs are on this"),
        (["create", "--config", CONFIG, "--cron", CRON, "--stack", "nowhere"], "there is no file nowhere.yaml"),
        (["list", "--stack", "local"], "--stack local: its runs are on this machine"),
        (["update", "EXP-1-x", "--cron", "0 6 * * * *"], "--cron: one of day of month and day of week must be ?"),
        (["delete"], "the following arguments are required: EXPERIMENT"),
        ([], "the following arguments are required: command"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_refused_at_once(arguments: list[str], said: str) -> None:
    ended = run("schedule", *arguments)
    assert ended.returncode == 2
    assert said in ended.stderr and "Traceback" not in ended.stderr


def test_a_variable_that_scheduled_jobs_would_not_have_is_refused() -> None:
    config = load_config(CONFIG, ["production.labels.params={team: '${env:HOME}'}"])
    with pytest.raises(
        ConfigError, match=r"production.labels.params.team: \$\{env:HOME\} is a variable of this machine"
    ):
        scheduled(config, "rehearsal")
