"""The gate: whether a model is good enough to be registered. Pure."""
