"""Prints as JSON what ZenML knows of the newest completed run."""

import json

from zenml.client import Client

if __name__ == "__main__":
    runs = Client().list_pipeline_runs(sort_by="desc:created", hydrate=True)
    run = next(run for run in runs if run.status == "completed")
    outputs = {name: each[0] for step in run.steps.values() for name, each in step.outputs.items()}
    facts = {
        "id": str(run.id),
        "statuses": {name: step.status.value for name, step in run.steps.items()},
        "versions": {name: each.version for name, each in outputs.items()},
        "uris": {name: each.uri for name, each in outputs.items()},
        "sha256": {
            name: each.run_metadata["sha256"] for name, each in outputs.items() if "sha256" in each.run_metadata
        },
        "metrics": outputs["metrics"].load(),
        "execution": run.run_metadata.get("pipeline_execution_arn"),
    }
    print(json.dumps(facts))
