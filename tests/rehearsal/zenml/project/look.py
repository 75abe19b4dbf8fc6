"""Prints what ZenML's server knows of a run, as JSON. Argument: the run's name."""

import json
import os
import sys

from stacks.apply import apply

if __name__ == "__main__":
    os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply("rehearsal"))
    from zenml.client import Client

    run = Client().get_pipeline_run(sys.argv[1])
    outputs = {name: each[0] for step in run.steps.values() for name, each in step.outputs.items()}
    seen = {name: {"uri": each.uri, "value": each.load()} for name, each in outputs.items()}
    code_path = run.snapshot.code_path if run.snapshot else None
    print(json.dumps({"status": run.status, "stack": run.stack.name, "outputs": seen, "code_path": code_path}))
