"""Reads the project's own code without importing it: its modules, what they bind, and what they use."""
