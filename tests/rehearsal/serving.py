"""A rehearsal of AWS alone, whose image runs a stand-in of the program `serve`."""

from pathlib import Path

from rehearsal import Image, Rehearsal, Settings

# What a stand-in begins with; it derives its handler from Answering, and calls `serve` with it at its end.
BEGINNING = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Answering(BaseHTTPRequestHandler):
    form = "application/jsonlines"

    def do_GET(self):
        self.answer(200, b"")

    def asked(self):
        return self.rfile.read(int(self.headers["Content-Length"]))

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", self.form)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given):
        pass

def serve(handler):
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), handler).serve_forever()
"""


def serving_rehearsal(folder: Path, stand_in: str, *, image: str = "*", health_s: float = 20.0) -> Rehearsal:
    """The rehearsal, not yet up; `image` is the only one that it has, unless it is `*`."""
    program = folder / "program"
    program.mkdir(parents=True)
    (program / "serve.py").write_text(BEGINNING + stand_in)
    made = Image(files={"/opt/program": str(program)}, serve=["python", "/opt/program/serve.py"])
    settings = Settings(images={image: made}, stop_grace_s=2.0, health_s=health_s, zenml=False)
    return Rehearsal(folder / "home", settings)
