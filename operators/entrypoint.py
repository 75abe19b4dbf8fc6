"""What runs first in a job's container: unpacks the environment, then leads the job, or follows the host that does.

`python -m operators.entrypoint`; it loads nothing beyond the standard library, so that it costs a moment.
"""

import os
import sys
from pathlib import Path

from finetune.job.follow import follow
from finetune.job.hosts import parse_hosts
from finetune.job.lead import lead
from operators.packing import unpack

RESOURCES = Path("/opt/ml/input/config/resourceconfig.json")


def main() -> int:
    """Gives the exit code of the step, on every host."""
    environment, command = unpack(os.environ)
    hosts = parse_hosts(RESOURCES.read_text(encoding="utf-8"), environment["TRAINING_JOB_NAME"])
    return lead(hosts, command, environment) if hosts.leads else follow(hosts, environment)


if __name__ == "__main__":
    sys.exit(main())
