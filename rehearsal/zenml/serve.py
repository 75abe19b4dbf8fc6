"""The ZenML server's process, `python -m rehearsal.zenml.serve FOLDER`: serves until standard input ends.

It knows nothing of the caller's ZenML: settings, database and secrets lie in FOLDER.
"""

import os
import socket
import sys
import threading
from pathlib import Path
from secrets import token_hex

from finetune.collector import collect_rarely

HOST, ADDRESS = "127.0.0.1", "address"
QUEUE = 128


def settings_of(folder: Path) -> dict[str, str]:
    """The environment by which ZenML finds its place and stays silent."""
    return {
        "ZENML_CONFIG_PATH": str(folder / "config"),
        "ZENML_STORE_TYPE": "sql",
        "ZENML_STORE_URL": f"sqlite:///{folder / 'zenml.db'}",
        "ZENML_SERVER_DEPLOYMENT_TYPE": "other",
        "ZENML_SERVER_AUTO_ACTIVATE": "1",
        # Without a key secrets would lie in the database in base64; without the type the key goes unread.
        "ZENML_SECRETS_STORE_TYPE": "sql",
        "ZENML_SECRETS_STORE_ENCRYPTION_KEY": token_hex(32),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_LOGGING_VERBOSITY": "WARN",
    }


def serve(folder: Path) -> None:
    """Serves on a free port, whose address is written once requests can queue there."""
    taken = socket.create_server((HOST, 0), backlog=QUEUE)
    part = folder / f"{ADDRESS}.part"
    part.write_text(f"http://{HOST}:{taken.getsockname()[1]}")
    part.rename(folder / ADDRESS)
    import uvicorn

    config = uvicorn.Config("zenml.zen_server.zen_server_api:app", log_level="warning")
    uvicorn.Server(config).run(sockets=[taken])


def _end_with_starter() -> None:
    """Ends this process with the one that started it, also when that is killed; its database is thrown away."""
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    collect_rarely()
    os.environ.update(settings_of(Path(sys.argv[1])))
    threading.Thread(target=_end_with_starter, daemon=True).start()
    serve(Path(sys.argv[1]))
