"""The rehearsal's process, `python -m rehearsal.serve FOLDER`: serves it until it is told to end."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from rehearsal.account import Account
from rehearsal.middleware import Middleware
from rehearsal.settings import Settings
from rehearsal.state import State

HOST = "127.0.0.1"


def serve(folder: Path) -> None:
    """Serves until SIGTERM, SIGINT or, with `lifeline` among the arguments, the end of standard input."""
    # Warnings only: werkzeug writes a line for each request, which would hide all else.
    logging.basicConfig(level=logging.WARNING)
    settings = Settings.load(folder / "settings.json")
    server = make_server(HOST, 0, app=lambda environ, start: [], threaded=True, request_handler=MotoRequestHandler)
    endpoint = f"http://{HOST}:{server.server_port}"
    account = Account(settings, folder, endpoint)
    # The application needs the port, and the server needs an application before it has one.
    server.app = Middleware(account)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    account.furnish()
    State(pid=os.getpid(), endpoint=endpoint, folder=str(folder)).save(folder)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    account.close()
    server.shutdown()


def _watch_lifeline() -> None:
    """Ends this process with the one that started it, also when that one is killed."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    # Blocked before any thread starts, so that only sigwait takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    if "lifeline" in sys.argv:
        threading.Thread(target=_watch_lifeline, daemon=True).start()
    serve(Path(sys.argv[1]))
