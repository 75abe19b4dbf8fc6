"""The trial."""
