"""The trivial pipeline."""
