"""Follows a run, and prints how it ended. Argument: its id."""

import os
import sys
from uuid import UUID

from cli.environment import quiet_defaults
from stacks.apply import apply

if __name__ == "__main__":
    quiet_defaults()
    os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply("rehearsal"))
    from cli.follow import follow

    print(follow(UUID(sys.argv[1]), lambda line: print(line, flush=True)))
