"""A stack file's account, for commands that need no ZenML: its boto3 clients, and what all that it starts is given."""

from functools import cache

from botocore.config import Config

from finetune.storage.session import session_maker
from operators.jobs import Clients
from operators.request import AccountSettings
from stacks.values import Values

RETRIES = {"mode": "standard", "max_attempts": 5}


def account_clients(values: Values) -> Clients:
    """Gives the client of a service: as the stack's connector signs, else by the usual AWS chain."""
    session, settings = cache(session_maker()), Config(retries=RETRIES)
    return cache(lambda service: session().client(service, region_name=values.region, config=settings))


def account_settings(values: Values, output: str) -> AccountSettings:
    """What the stack says for all that it starts; `output` is the prefix for what jobs leave behind."""
    return AccountSettings(
        role=values.role,
        output=output,
        kms_key=values.kms_key,
        subnets=values.subnets,
        security_groups=values.security_groups,
        tags=values.tags,
    )
