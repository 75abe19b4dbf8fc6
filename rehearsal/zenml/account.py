"""What a fresh ZenML server needs before it can be used: a service account's key, and the survey answered."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from rehearsal.errors import RehearsalError
from stacks.onboarding import ANSWERED

NAME = "rehearsal"
# Without a password nobody can log in to the dashboard: its form sends none that is empty.
USER, PASSWORD = "default", "rehearsal"
LOGIN = f"user {USER}, password {PASSWORD}"


def open_account(url: str, seconds: float) -> str:
    """Gives the API key of a new service account; gives the user `default` a password and answers its survey.

    Args:
        url: The server's address; it may still be starting.
        seconds: How long it may take until it answers.

    Raises:
        RehearsalError: It does not answer in time, or refuses.
    """
    login = urllib.parse.urlencode({"username": USER, "password": ""}).encode()
    token = _ask(f"{url}/api/v1/login", "POST", login, {}, seconds)["access_token"]

    def say(method: str, path: str, values: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return _ask(f"{url}/api/v1/{path}", method, json.dumps(values).encode(), headers, seconds)

    account = say("POST", "service_accounts", {"name": NAME, "active": True})["id"]
    key = str(say("POST", f"service_accounts/{account}/api_keys", {"name": NAME})["body"]["key"])
    # The password comes last, because it ends the token.
    values = {"email_opted_in": False, "user_metadata": ANSWERED, "old_password": "", "password": PASSWORD}
    say("PUT", "current-user", values)
    return key


def _ask(url: str, method: str, body: bytes, headers: dict[str, str], seconds: float) -> Any:
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    ends = time.monotonic() + seconds
    while True:
        try:
            # Requests queue while the server starts.
            with urllib.request.urlopen(request, timeout=max(1.0, ends - time.monotonic())) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise RehearsalError(f"rehearsal: ZenML's {method} {url}: {error.code} {error.read()[:500]!r}") from error
        except OSError as error:
            if time.monotonic() > ends:
                raise RehearsalError(f"rehearsal: the ZenML server {url} does not answer ({error})") from error
            time.sleep(0.1)
