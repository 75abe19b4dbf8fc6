"""The page that stands in place of a failed model's report."""

from html import escape

from finetune.failure import Failure


def failure_page(failure: Failure) -> str:
    """Build the page: a whole HTML document that names model, step and error."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(failure.model)}</title>'
        f"<p>The model {escape(failure.model)} failed in {escape(failure.step)}, so it has no report.</p>"
        f"<pre>{escape(failure.error)}</pre></html>"
    )
