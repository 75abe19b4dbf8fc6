"""Which artifacts of a run belong to one of its models."""

from zenml import get_step_context
from zenml.models import ArtifactVersionResponse, StepRunResponse

from finetune.invocations import invocation, names_of_models
from steps.work import run_facts

SHA256 = "sha256"


def artifacts_of_model(model: str) -> dict[str, ArtifactVersionResponse]:
    """Model, predictions and report of a model, and the dataset and manifest that they come from."""
    evaluated = _step("evaluate", model)
    made = {name: evaluated.outputs[name][0] for name in ("predictions", "report")}
    taken = {name: evaluated.inputs[name][0] for name in ("dataset", "manifest", "model")}
    return {**taken, **made}


def hash_of(artifact: ArtifactVersionResponse) -> str:
    """The SHA-256 that its materializer found."""
    return str(artifact.run_metadata[SHA256])


def all_artifacts() -> list[str]:
    """Ids of all artifacts that the run's steps gave so far."""
    steps = get_step_context().pipeline_run.steps.values()
    return sorted({str(version.id) for step in steps for some in step.outputs.values() for version in some})


def _step(step: str, model: str) -> StepRunResponse:
    names = names_of_models(run_facts()["config"])
    return get_step_context().pipeline_run.steps[invocation(step, model, names)]
