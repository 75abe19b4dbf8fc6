"""`python -m finetune.serving.server FOLDER`: loads an unpacked package, checks it, and serves it until SIGTERM.

`finetune.serving.start` starts it with the package's own code.
"""

import argparse
import shutil
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import uvicorn

from finetune.collector import collect_rarely
from finetune.errors import FinetuneError, ServeError
from finetune.serving.limits import limits

SETTINGS: dict[str, Any] = {
    "lifespan": "off",
    "log_level": "warning",
    "access_log": False,
    "timeout_keep_alive": 75,  # seconds; load balancers keep a connection for 60, and must be the ones to close it
}


def main(arguments: Sequence[str]) -> int:
    """Serves, and gives the exit code: 0 after SIGTERM or Ctrl-C, 1 where it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m finetune.serving.server")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--remove", action="store_true", help="removes the folder at the end")
    options = parser.parse_args(arguments)
    collect_rarely()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        serve(options.folder, options.host, options.port)
    except FinetuneError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped before it served", file=sys.stderr)
    finally:
        if options.remove:
            shutil.rmtree(options.folder, ignore_errors=True)
    return 0


def serve(folder: Path, host: str, port: int) -> None:
    """Loads, checks and serves; requests in work are answered before it ends.

    Raises:
        FinetuneError: The package cannot be loaded, answers its golden requests differently, or the port is taken.
    """
    started, allowed = time.monotonic(), limits()
    with _bound(host, port) as place:
        from finetune.serving.app import create_app  # takes seconds, in which the process may be stopped
        from finetune.serving.inference import model_fn

        app = create_app(model_fn(folder), allowed)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _ended)  # uvicorn raises the signal once more when all is answered
        place.listen()  # before it is said: who reads that it serves may ask at once
        where = f"http://{host}:{place.getsockname()[1]}"
        print(f"loaded and checked in {time.monotonic() - started:.1f} s; serving on {where}", flush=True)
        uvicorn.Server(uvicorn.Config(app, **SETTINGS)).run([place])
    print("stopped: every request that had come was answered", flush=True)


def _bound(host: str, port: int) -> socket.socket:
    """The port, taken before the model is loaded; it is listened to afterwards: /ping answers when all is ready."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    place = socket.socket(family)
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        place.bind((host, port))
    except (OSError, OverflowError) as error:
        place.close()
        raise ServeError(f"port {port} of {host} cannot be served on: {error}; choose another with --port") from error
    return place


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _ended(number: int, frame: object) -> None:
    """Lets the process end with exit code 0."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
