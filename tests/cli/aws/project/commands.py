"""Runs commands of run.py one after the other, and prints exit code and output of each as JSON, a line each.

Arguments: the commands, words separated by |. STACK in the environment names another stack than the rehearsal's.
"""

import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from cli.main import main

if __name__ == "__main__":
    for command in sys.argv[1:]:
        words = command.split("|")
        if words[0] != "stack":
            words += ["--stack", os.environ.get("STACK", "rehearsal")]
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = int(main(words))
        print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}))
