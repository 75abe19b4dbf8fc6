"""Checks labels and texts, and the split that they will have, before anything is trained."""

from typing import Annotated, Any

from zenml import log_metadata, step

from finetune.checks.check import Checks
from finetune.checks.finding import numbers_of, refusal
from finetune.config.checks import ChecksConfig
from finetune.errors import CheckError
from finetune.experiment import Home
from finetune.prepare.prepare import choose
from finetune.progress import say
from finetune.reconcile.at_home import refuse_changed
from finetune.reconcile.manifest import Manifest
from finetune.reconcile.occupant import refuse_other
from finetune.reconcile.snapshot import Snapshot
from steps.work import working


@step
def check_data(
    production: Snapshot,
    manifest: Manifest,
    labels: dict[str, Any],
    home: Home,
    settings: ChecksConfig,
    choice: dict[str, Any],
    text: str | None,
    code: str,
) -> Annotated[list[dict[str, Any]], "checks"]:
    """Makes the checks of `checks:` on the splits that `choice` gives; `code` is the hash of the checks."""
    with working():
        chosen = choose(manifest, **choice)
        if text is not None:
            refuse_changed(manifest, home, chosen.guids, [text])
        checks = Checks(
            production,
            manifest,
            chosen,
            labels,
            settings=settings,
            by=choice["by"],
            reconciled=home.reconciled,
            text=text,
        )
        findings = checks.findings()
        refuse_other(home, manifest)  # at the end: it holds for all texts that were read
        log_metadata({"checks": numbers_of(findings)})  # of the step, which has an artifact only if it does not fail
        log_metadata(metadata=numbers_of(findings), artifact_name="checks", infer_artifact=True)
        refused = refusal(findings)
        if refused is not None:
            raise CheckError(refused)
        for finding in findings:
            if finding.status == "warned":
                say(f"warned: {finding.line()}; {finding.advice}")
        return [finding.to_dict() for finding in findings]
