"""Follows a run, and prints how it ended. Arguments: its id; `ends` where the rehearsal ends with this process."""

import os
import sys
from uuid import UUID

from cli.environment import quiet_defaults
from stacks.apply import apply

if __name__ == "__main__":
    quiet_defaults()
    os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply("rehearsal"))
    from zenml.client import Client

    from cli.aws.find import how_to_look, reference_to
    from cli.aws.follow import follow

    run = Client().get_pipeline_run(UUID(sys.argv[1]))
    commands = None if sys.argv[2:] == ["ends"] else how_to_look(reference_to(run), "rehearsal")
    print(follow(run.id, lambda line: print(line, flush=True), commands))
