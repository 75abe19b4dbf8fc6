"""The images' front door: `python docker/image.py tag|build|push`.

It is run by its path and never imported as `docker.image`: the name `docker` belongs to the PyPI package.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

EXAMPLES = """\
examples:
  python docker/image.py tag                                     the base image's name; needs no docker engine
  python docker/image.py build --experiment license_mentions     build it, and the base beneath it, if they changed
  python docker/image.py push --repository 111122223333.dkr.ecr.eu-west-1.amazonaws.com/finetune
  python docker/image.py push --repository ... --code-build finetune-images --bucket my-team     no docker needed
"""


def parser() -> argparse.ArgumentParser:
    """The parser of all options."""
    result = argparse.ArgumentParser(
        prog="python docker/image.py",
        description="Names, builds and pushes the images that run on SageMaker.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    result.add_argument("command", choices=("tag", "build", "push"))
    result.add_argument("--experiment", metavar="NAME", help="folder of experiments/ (default: the base image)")
    result.add_argument("--repository", metavar="NAME", default="finetune", help="ECR repository (default: finetune)")
    result.add_argument("--build-arg", metavar="ARG=VALUE", action="append", default=[], help="repeatable")
    aws = result.add_argument_group("build on AWS CodeBuild, with push only")
    aws.add_argument("--code-build", metavar="PROJECT", help="project that builds, in the region of the repository")
    aws.add_argument("--bucket", help="takes the build context, as code-build/<tag>.zip")
    return result


def main(arguments: Sequence[str]) -> int:
    """Runs one command and gives its exit code: 0 done, 1 refused or failed."""
    sys.path.append(str(ROOT))  # for finetune.errors; at the end, and docker/ has no __init__.py: PyPI's docker wins
    from images.commands import build, builder, push, tag
    from images.recipe import recipes

    from finetune.errors import FinetuneError

    options = parser().parse_args(arguments)
    try:
        by = builder(options.command, options.code_build, options.bucket)
        commands = {"tag": tag, "build": build, "push": partial(push, build_and_push=by)}
        print(commands[options.command](ROOT, options.repository, recipes(ROOT, options.experiment, options.build_arg)))
    except FinetuneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
