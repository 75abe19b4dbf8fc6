"""SageMaker Pipelines: definitions, executions, and the steps that they run in order."""
