import os
from pathlib import Path
from typing import Annotated

from zenml import step


@step
def greet(name: str) -> Annotated[str, "greeting"]:
    return f"hello, {name}"


@step
def look(greeting: str, places: list[str]) -> Annotated[dict[str, list[str]], "seen"]:
    """What a job finds at these places of the client's machine."""
    found = {place: sorted(os.listdir(place)) if Path(place).is_dir() else [] for place in places}
    return {**found, "greeting": [greeting], "folder": [str(Path.cwd()), __file__]}
