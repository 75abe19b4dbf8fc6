"""Batch transform jobs: a model in containers of its own, asked about every object below a prefix."""
