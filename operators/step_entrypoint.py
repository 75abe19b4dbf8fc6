"""ZenML's entrypoint of a step in a job's container; its error becomes the job's FailureReason."""

from zenml.step_operators.step_operator_entrypoint_configuration import StepOperatorEntrypointConfiguration

from operators.failure import failure_told


class StepEntrypoint(StepOperatorEntrypointConfiguration):
    """Runs one step; the leading host alone does."""

    def run(self) -> None:
        """Runs it and publishes what comes of it."""
        with failure_told():
            super().run()
