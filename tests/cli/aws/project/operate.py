"""Asks the active stack's step operator for the train step's job, cancels it, and prints name and states.

Argument: the run's id.
"""

import os
import sys
import time
from uuid import UUID

from cli.environment import quiet_defaults
from stacks.apply import apply

if __name__ == "__main__":
    quiet_defaults()
    os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply("rehearsal"))
    from zenml.client import Client

    step, operator = Client().get_pipeline_run(UUID(sys.argv[1])).steps["train"], Client().active_stack.step_operator
    print(step.run_metadata["job_name"], operator.get_status(step).value)
    operator.cancel(step)
    while (status := operator.get_status(step).value) == "running":
        time.sleep(0.2)
    print(status)
