"""Whether AWS's jobs can reach the ZenML server."""

import ipaddress
import os
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from stacks.checks.finding import Finding

SUBJECT = "ZenML server"
MEND = "zenml login https://...  # a server that AWS reaches: https://docs.zenml.io/deploying-zenml"
LOCAL = ("localhost", "host.docker.internal")


def check_server() -> Finding:
    """Whether ZenML's client uses a server, the server answers, and its address means the same for a job."""
    from zenml.config.global_config import GlobalConfiguration

    url = GlobalConfiguration().store_configuration.url
    if not url.startswith(("http://", "https://")):
        return Finding(SUBJECT, False, f"ZenML uses a database of this machine ({url})", MEND)
    if is_of_this_machine(url) and not is_of_this_machine(os.environ.get("AWS_ENDPOINT_URL", "")):
        return Finding(SUBJECT, False, f"AWS does not reach {url}, an address of this machine", MEND)
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=10):
            return Finding(SUBJECT, True, url)
    except (urllib.error.URLError, TimeoutError) as error:
        return Finding(SUBJECT, False, f"{url} does not answer ({error})", MEND)


def is_of_this_machine(url: str) -> bool:
    """Whether an address means whoever asks: a loopback or link-local one. A private one may be in the jobs' VPC."""
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in LOCAL or host.endswith(".localhost")
    return address.is_loopback or address.is_link_local or address.is_unspecified
