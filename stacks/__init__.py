"""ZenML stacks as files, and how they are registered."""
