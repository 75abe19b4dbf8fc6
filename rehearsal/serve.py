"""The rehearsal's process, `python -m rehearsal.serve FOLDER`: serves it until it is told to end."""

import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from finetune.collector import collect_rarely
from rehearsal.environment import looker_environment
from rehearsal.settings import Settings
from rehearsal.state import State
from rehearsal.zenml.process import ZenServer

HOST, QUEUE = "127.0.0.1", 128


def serve(folder: Path, settings: Settings, taken: socket.socket, zenml: ZenServer | None) -> None:
    """Serves on the socket until SIGTERM, SIGINT or, with `lifeline` among the arguments, the end of standard input."""
    # Here, because they take seconds: the ZenML server starts meanwhile.
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    from rehearsal.account import Account
    from rehearsal.middleware import Middleware

    # Warnings only: werkzeug writes a line for each request, which would hide all else.
    logging.basicConfig(level=logging.WARNING)
    endpoint = address_of(taken)
    account = Account(settings, folder, endpoint)
    server = make_server(
        HOST, 0, Middleware(account), threaded=True, request_handler=MotoRequestHandler, fd=taken.fileno()
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    account.furnish()
    url, key = zenml.open() if zenml else (None, None)
    State(os.getpid(), endpoint, str(folder), url, key).save(folder)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    account.close()
    if zenml:
        zenml.close()
    server.shutdown()


def address_of(taken: socket.socket) -> str:
    """http://127.0.0.1:PORT of a socket that is bound."""
    return f"http://{HOST}:{taken.getsockname()[1]}"


def _watch_lifeline() -> None:
    """Ends this process with the one that started it, also when that one is killed."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    collect_rarely()
    home = Path(sys.argv[1])
    told = Settings.load(home / "settings.json")
    port = socket.create_server((HOST, 0), backlog=QUEUE)
    # Before the signals are blocked, which a child would inherit.
    started = ZenServer(home / "zenml", looker_environment(address_of(port), told.region)) if told.zenml else None
    # Blocked before any thread starts, so that only sigwait takes them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    if "lifeline" in sys.argv:
        threading.Thread(target=_watch_lifeline, daemon=True).start()
    serve(home, told, port, started)
