"""Submits the pipeline, and prints the name of its run. Arguments: places that the job is to look at."""

import os
import sys

from stacks.apply import apply
from stacks.files import load_stack
from stacks.submission import pipeline_settings

if __name__ == "__main__":
    os.environ["ZENML_ACTIVE_STACK_ID"] = str(apply("rehearsal"))
    from pipelines.trivial import trivial

    run = trivial.with_options(settings=pipeline_settings(load_stack("rehearsal")))(places=sys.argv[1:])
    print(run.name)
