"""Stack files, registered with a ZenML of the test's own."""

import re
from pathlib import Path

from tests.stacks.asking import REPOSITORY, asked, ran

APPLY = """
from finetune.errors import ConfigError
from stacks.apply import apply
from stacks.files import stack_names
first = apply("local")
print(first == apply("local"), "local" in stack_names())
try:
    apply("nowhere")
except ConfigError as error:
    print(error)
"""


CHANGE = """
import stacks.apply
from dataclasses import replace
from zenml.client import Client
from stacks.components import Registered
def state():
    found = Client().list_stack_components(type="orchestrator", name="changing").items
    return [(str(each.id), each.flavor_name, each.configuration) for each in found]
for settings in ({"synchronous": True}, {"synchronous": False}, {}):
    wanted = Registered("orchestrator", "changing", "local_docker", settings)
    stacks.apply._component(Client(), wanted, None)
    print(state()[0])
stacks.apply._component(Client(), replace(wanted, flavor="local"), None)
print([each[1:] for each in state()])
"""


def test_a_changed_value_updates_the_component_and_one_that_is_gone_is_dropped(tmp_path: Path) -> None:
    first, second, third, last = asked(tmp_path, CHANGE)[-4:]
    assert first.split(",")[0] == second.split(",")[0] == third.split(",")[0]
    assert "True" in first and "False" in second and third.endswith("{})")
    assert last == "[('local', {})]"


def test_the_command_registers_the_stack_and_says_as_what(tmp_path: Path) -> None:
    told = ran(tmp_path, str(REPOSITORY / "run.py"), "stack", "apply", "local")[-1]
    assert re.fullmatch(r"local: registered with ZenML as [0-9a-f-]{36}", told)


def test_a_stack_is_registered_once_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    registered, refused = asked(tmp_path, APPLY)[-2:]
    assert registered == "True True"
    assert refused == "--stack nowhere: there is no file nowhere.yaml in stacks/; known: local, rehearsal, sagemaker"
