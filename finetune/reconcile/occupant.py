"""Whose files lie at home: the marker names the manifest that they belong to.

An id has one folder, so a reconcile with other labels, files or functions replaces what an earlier one left there.
"""

import json

from finetune.errors import ReconcileError
from finetune.experiment import Home
from finetune.reconcile.manifest import Manifest
from finetune.storage.copy import hash_file


def mark_complete(home: Home, manifest: Manifest) -> None:
    """Writes the marker: every file of this manifest is at home. The caller holds the home's lock."""
    home.storage.write(str(home.complete), json.dumps({"manifest": hash_file(manifest.path)}).encode())


def refuse_other(home: Home, manifest: Manifest) -> None:
    """Refuses a home whose files belong to another manifest; waits while a reconcile is at work there.

    Raises:
        ReconcileError: Another run has reconciled since, with other labels, files or functions.
    """
    with home.storage.locked(str(home.lock), f"{home.experiment}'s experiment home"):
        if _marked(home) != hash_file(manifest.path):
            raise ReconcileError(
                f"the files in {home.reconciled} belong to another manifest than this run's: another run has "
                f"reconciled since, with other labels, files or functions; start again, and reconcile brings them back"
            )


def _marked(home: Home) -> str | None:
    try:
        found = json.loads(home.storage.read(str(home.complete)) or b"{}").get("manifest")
    except (OSError, ValueError, AttributeError):
        return None
    return None if found is None else str(found)
