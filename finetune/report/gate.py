"""Puts what the gate decided into a report that is there: each rule with its value, and by how much it was missed."""

from collections.abc import Mapping
from typing import Any

from finetune.report.report import environment

PLACE = "</header>"
"""All reports have one; the gate stands right below it."""


def with_gate(page: str, verdict: Mapping[str, Any]) -> str:
    """Gives the page with a section on the gate.

    Args:
        page: A whole HTML document of this project.
        verdict: What the gate decided: passed, rules, and the model's name where there are several.
    """
    failed = sum(not rule["passed"] for rule in verdict["rules"])
    section = environment().get_template("gate.html.j2").render(verdict=verdict, failed=failed)
    before, place, after = page.partition(PLACE)
    return f"{before}{place}\n{section}{after}" if place else page
