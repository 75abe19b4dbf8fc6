"""Steps that print, sleep, or are killed."""

import os
import signal
import time
from typing import Annotated

from zenml import step


@step
def first(how: str) -> Annotated[int, "number"]:
    """Prints, and is killed on request."""
    print("first is at work", flush=True)
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    return 1


@step
def train(number: int, seconds: float) -> Annotated[int, "trained"]:
    """Sleeps a while."""
    for second in range(round(seconds)):
        print(f"second {second}", flush=True)
        time.sleep(1)
    return number
