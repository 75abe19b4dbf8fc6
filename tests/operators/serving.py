"""A rehearsal whose image serves small packages with a stand-in of the program `serve`."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from rehearsal import Image, Rehearsal, Settings

# Answers each record of JSON Lines as the package says, or goes wrong as it says.
SERVE = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

told = json.load(open("/opt/ml/model/code/golden.json"))[0]
way = open("/opt/ml/model/way").read()
print("loading the model", flush=True)
if way == "broken":
    sys.exit("error: the weights are torn")

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, b"")

    def do_POST(self):
        lines = self.rfile.read(int(self.headers["Content-Length"])).splitlines()
        if any(b"crash" in line for line in lines):
            print("the model crashed", flush=True)
            return self.answer(500, b"")
        self.answer(200, "".join(json.dumps(self.one(json.loads(line))) + "\\n" for line in lines).encode())

    def one(self, instance):
        text = instance.get("text.txt", "")
        if not text:
            return {"error": "encode_data drops it"}
        if text == told["instance"]["text.txt"] and way != "other":
            return {"label": "a", "probabilities": told["probabilities"]}
        share = len(text) % 10 / 10
        return {"label": "a" if share >= 0.5 else "b", "probabilities": {"a": share, "b": 1 - share}}

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/jsonlines")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
GOLDEN = {"instance": {"text.txt": "golden"}, "probabilities": {"a": 0.75, "b": 0.25}}
FACTS = {"functions": "tiny", "labels": ["a", "b"], "files": ["text.txt"], "code": "0", "versions": {}, "format": 1}


def serving_rehearsal(folder: Path) -> Rehearsal:
    """AWS alone; every image runs the stand-in."""
    (folder / "program").mkdir(parents=True)
    (folder / "program" / "serve.py").write_text(SERVE)
    image = Image(files={"/opt/program": str(folder / "program")}, serve=["python", "/opt/program/serve.py"])
    settings = Settings(images={"*": image}, stop_grace_s=2.0, health_s=20.0, zenml=False)
    return Rehearsal(folder / "home", settings)


def package(way: str = "") -> bytes:
    """A model.tar.gz, as far as the stand-in and the commands read it."""
    files: dict[str, Any] = {
        "code/golden.json": json.dumps([GOLDEN]),
        "code/package.json": json.dumps(FACTS),
        "way": way,
    }
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return body.getvalue()
