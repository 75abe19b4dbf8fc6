"""`python -m stacks.iam POLICY STACK` prints a policy with the stack file's values filled in."""

import argparse
import json
import sys

from finetune.errors import ConfigError
from stacks.files import load_stack
from stacks.iam.render import POLICIES, render


def main() -> int:
    """Prints it; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m stacks.iam", description="A stack's IAM policy as JSON.")
    parser.add_argument("policy", choices=POLICIES)
    parser.add_argument("stack", help="a file stacks/NAME.yaml")
    options = parser.parse_args()
    try:
        values = load_stack(options.stack).values
        if values is None:
            raise ConfigError(f"--stack {options.stack}: it runs on this machine and needs no policy")
        print(json.dumps(render(options.policy, values), indent=2))
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
