"""The number of a run that a schedule began: no command line has claimed one, so its first step does."""

from zenml import get_step_context, log_metadata

from finetune.code_hash import experiment_hash
from finetune.experiment import Home
from finetune.facts import CLAIMED
from finetune.progress import say
from finetune.runs import claim
from finetune.versions import versions
from steps.work import run_facts


def claim_number() -> None:
    """Claims a number for this run and writes its record, if it has none; a step that is tried again finds it.

    Raises:
        RunError: The home cannot be written.
    """
    facts = run_facts()
    if "run_number" in facts:
        return
    home = Home(facts["config"]["root"], facts["experiment"])
    code = experiment_hash(facts["config"]["functions"])
    run = claim(home, stack=facts["stack"], config=facts["config"], versions=versions(facts.get("image")), code=code)
    say(f"{run.experiment}, run {run.run_number}")
    known = {name: getattr(run, name) for name in CLAIMED}
    log_metadata(metadata=known, run_id_name_or_prefix=get_step_context().pipeline_run.id)
