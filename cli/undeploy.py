"""`run.py undeploy EXPERIMENT N`: removes the endpoint of a registered model with all that belongs to it."""

from collections.abc import Sequence

from cli.packaged import packaged_parser
from finetune.errors import ConfigError
from finetune.progress import say
from stacks.files import load_stack


def undeploy(arguments: Sequence[str]) -> int:
    """Removes autoscaling, endpoint, configuration and model; the package and what was captured stay.

    Raises:
        FinetuneError: There is no such experiment, or AWS refuses.
    """
    parser = packaged_parser("undeploy", "Removes the endpoint of a registered model.", stack="sagemaker")
    options = parser.parse_args(arguments)
    from cli.environment import quiet_defaults

    quiet_defaults()
    stack = load_stack(options.stack)
    if stack.values is None:
        raise ConfigError(f"--stack {stack.name}: an endpoint is on AWS; name a stack of AWS")
    from cli.activate import sign_in
    from cli.aws.find import reach
    from cli.resume import find_home, roots
    from operators import endpoints
    from operators.names import endpoint_name
    from stacks.account import account_clients

    reach(stack.name)
    sign_in(stack)
    home = find_home(options.experiment, roots(options.root, stack), options.command)
    name = endpoint_name(home.experiment, options.number)
    gone = endpoints.undeploy(account_clients(stack.values), name, say)
    if not gone:
        say(f"endpoint {name}: there was nothing to remove")
    return 0
