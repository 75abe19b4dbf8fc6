"""Follows a run, and prints how it ended. Argument: its id."""

import os
import sys
from uuid import UUID

from cli.environment import quiet_defaults
from stacks.apply import apply

if __name__ == "__main__":
    quiet_defaults()
    os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply("rehearsal"))
    from zenml.client import Client

    from cli.find import how_to_look, reference_to
    from cli.follow import follow

    run = Client().get_pipeline_run(UUID(sys.argv[1]))
    print(follow(run.id, lambda line: print(line, flush=True), how_to_look(reference_to(run), "rehearsal")))
