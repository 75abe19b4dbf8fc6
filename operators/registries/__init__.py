"""Registries of models, each written from the same facts: ZenML's, MLflow's and SageMaker's."""
