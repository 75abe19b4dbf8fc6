"""Ends what a killed process left running in ZenML's records."""

from finetune.runs import Run


def end_leftovers(run: Run) -> None:
    """Marks earlier, killed attempts at this run as failed; the caller holds the run, so nobody works on them."""
    from zenml.client import Client
    from zenml.orchestrators.publish_utils import publish_failed_pipeline_run, publish_failed_step_run

    prefix = f"startswith:{run.experiment}-{run.run_number}-"
    for attempt in Client().list_pipeline_runs(name=prefix, tags=[run.experiment], status="running", hydrate=True):
        if attempt.config.extra.get("config", {}).get("root") != run.config["root"]:
            continue  # an experiment of the same name in another root
        for step in attempt.steps.values():
            if not step.status.is_finished:
                publish_failed_step_run(step.id)
        publish_failed_pipeline_run(attempt.id)
