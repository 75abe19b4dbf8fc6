"""Runs commands of run.py one after the other, and prints exit code and output of each as JSON, a line each.

Arguments: the commands, words separated by |.
"""

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from cli.main import main

if __name__ == "__main__":
    for command in sys.argv[1:]:
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = int(main([*command.split("|"), "--stack", "rehearsal"]))
        print(json.dumps({"code": code, "out": out.getvalue(), "err": err.getvalue()}))
