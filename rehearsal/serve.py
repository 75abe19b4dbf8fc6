"""The rehearsal's process, `python -m rehearsal.serve FOLDER`: serves it until it is told to end."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path

from rehearsal.settings import Settings
from rehearsal.state import State
from rehearsal.zenml.process import ZenServer

HOST = "127.0.0.1"


def serve(folder: Path, settings: Settings, zenml: ZenServer | None) -> None:
    """Serves until SIGTERM, SIGINT or, with `lifeline` among the arguments, the end of standard input."""
    # Here, because they take seconds: the ZenML server starts meanwhile.
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    from rehearsal.account import Account
    from rehearsal.middleware import Middleware

    # Warnings only: werkzeug writes a line for each request, which would hide all else.
    logging.basicConfig(level=logging.WARNING)
    server = make_server(HOST, 0, app=lambda environ, start: [], threaded=True, request_handler=MotoRequestHandler)
    endpoint = f"http://{HOST}:{server.server_port}"
    account = Account(settings, folder, endpoint)
    # The application needs the port, and the server needs an application before it has one.
    server.app = Middleware(account)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    account.furnish()
    url, key = zenml.open() if zenml else (None, None)
    State(os.getpid(), endpoint, str(folder), url, key).save(folder)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    account.close()
    if zenml:
        zenml.close()
    server.shutdown()


def _watch_lifeline() -> None:
    """Ends this process with the one that started it, also when that one is killed."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    home = Path(sys.argv[1])
    told = Settings.load(home / "settings.json")
    # Before the signals are blocked, which a child would inherit.
    started = ZenServer(home / "zenml") if told.zenml else None
    # Blocked before any thread starts, so that only sigwait takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    if "lifeline" in sys.argv:
        threading.Thread(target=_watch_lifeline, daemon=True).start()
    serve(home, told, started)
