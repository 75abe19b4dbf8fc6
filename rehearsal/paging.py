"""Filters, sorts and cuts a list into pages, as all of the service's List calls do."""

from collections.abc import Callable
from typing import Any

Row = dict[str, Any]


def page(
    rows: list[Row],
    request: Row,
    key: str,
    *,
    name: str,
    status: str = "",
    created: str = "CreationTime",
    by: Callable[[Row], Any] | None = None,
) -> Row:
    """One page of an answer.

    `name`, `status` and `created` are the members of a row that the request's filters and order mean; `by` is another
    order.
    """
    chosen = [row for row in rows if _wanted(row, request, name, status, created)]
    member = {"Name": name, "Status": status}.get(request.get("SortBy", ""), created)
    chosen.sort(key=by or (lambda row: row[member]), reverse=request.get("SortOrder", "Descending") == "Descending")
    start, size = int(request.get("NextToken") or 0), int(request.get("MaxResults") or 10)
    answer: Row = {key: chosen[start : start + size]}
    if len(chosen) > start + size:
        answer["NextToken"] = str(start + size)
    return answer


def _wanted(row: Row, request: Row, name: str, status: str, created: str) -> bool:
    """Whether a row passes the filters."""
    return (
        request.get("NameContains", "").lower() in row[name].lower()
        and request.get("StatusEquals", row.get(status)) == row.get(status)
        and row[created] >= request.get("CreationTimeAfter", 0)
        and row[created] <= request.get("CreationTimeBefore", float("inf"))
    )
