"""Puts together the page about a table of features: counts, ranges of each column, what was left out."""

from collections.abc import Mapping
from typing import Any

from finetune.features.statistics import ALL, Statistics
from finetune.report.report import environment

MOST_NAMES, MOST_COLUMNS, MOST_DROPPED = 24, 24, 20


def build_features_report(
    statistics: Statistics,
    *,
    run: Mapping[str, Any],
    groups: Mapping[str, Mapping[str, int]],
    ids: int,
    dropped: Mapping[str, str],
    by: str,
) -> str:
    """Build the page.

    Args:
        statistics: Of the table.
        run: The run's facts: experiment, run_number, stack.
        groups: What each group came to.
        ids: How many were wanted.
        dropped: Why, by guid.
        by: The column that statistics are told by.

    Returns:
        A whole HTML document, to be written as UTF-8.
    """
    # matplotlib takes half a second to import, which a run that finds its merge in the cache does without
    from finetune.report.ranges import counts_of, ranges

    names = statistics.names[:MOST_NAMES] or [ALL]
    columns = statistics.columns[:MOST_COLUMNS]
    first = columns[0] if columns else ""
    return (
        environment()
        .get_template("features.html.j2")
        .render(
            run=run,
            by=by,
            rows=statistics.found[ALL, first].rows if columns else 0,
            names=[] if names == [ALL] else names,
            counts=counts_of({name: statistics.found[name, first].rows for name in names}) if columns else None,
            plots={column: ranges(statistics, column, names) for column in columns},
            lines=list(statistics.lines()),
            groups=groups,
            dropped=list(dropped.items())[:MOST_DROPPED],
            dropped_count=len(dropped),
            ids=ids,
        )
    )
