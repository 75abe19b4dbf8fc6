"""`run.py deploy EXPERIMENT N`: serves a registered model as a SageMaker endpoint, and asks it one real example."""

import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.main import Exit
from cli.packaged import (
    Packaged,
    fetched,
    find_packaged,
    packaged_parser,
    set_option,
)
from finetune.errors import ComputeError, ConfigError
from finetune.progress import say
from stacks.files import Stack, load_stack

if TYPE_CHECKING:
    from operators.endpoint_request import Served

HERE = "--stack {}: an endpoint is on AWS; on this machine, serve the model by: python run.py serve {} {}"


def deploy(arguments: Sequence[str]) -> int:
    """Makes the endpoint, and says how it is asked and removed; 1 where AWS refuses or it does not get healthy.

    Raises:
        FinetuneError: There is no such model, or it cannot be served.
    """
    parser = packaged_parser("deploy", "Serves a registered model as a SageMaker endpoint.", stack="sagemaker")
    set_option(parser, "deploy")
    options = parser.parse_args(arguments)
    from cli.environment import quiet_defaults

    quiet_defaults()
    stack = load_stack(options.stack)
    if stack.values is None:
        raise ConfigError(HERE.format(stack.name, options.experiment, options.number))
    from cli.activate import sign_in
    from cli.aws.find import reach
    from finetune.transform.packaged import golden_requests
    from operators import endpoints
    from stacks.account import account_clients

    reach(stack.name)
    sign_in(stack)
    model = find_packaged(options, stack, "deploy")
    with fetched(model, Path(tempfile.mkdtemp(prefix="deploy-"))) as package:
        golden = golden_requests(package)[0]
    served = served_of(model, stack)
    try:
        seconds = endpoints.deploy(account_clients(stack.values), served, golden, say)
    except ComputeError as error:
        print(f"error: {error}", file=sys.stderr)
        return Exit.FAILED
    say(f"endpoint {served.name} serves; it answered a real example as evaluate did, in {seconds:.2f} s")
    say(f"remove it by: python run.py undeploy {model.home.experiment} {model.number} --stack {stack.name}")
    return 0


def served_of(model: Packaged, stack: Stack) -> "Served":
    """What is to be served.

    Raises:
        ConfigError: The model's package does not lie in S3.
    """
    from finetune.storage.uri import is_s3
    from operators.endpoint_request import Served
    from operators.names import endpoint_name
    from stacks.account import account_settings

    settings = model.config.deploy
    if not is_s3(model.package) or stack.values is None:
        raise ConfigError(f"{model.package}: an endpoint takes its package from S3; run the experiment on {stack.name}")
    digest = hashlib.sha256(json.dumps(settings.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:12]
    return Served(
        name=endpoint_name(model.home.experiment, model.number),
        image=model.image or stack.values.image,
        package=model.package,
        account=account_settings(stack.values, model.home.root),
        settings=settings,
        captured=str(model.home.path / "captured"),
        tags={
            "finetune:experiment": model.home.experiment,
            "finetune:run": str(model.number),
            "finetune:home": str(model.home.path)[:256],
            "finetune:settings": digest,
        },
    )
