"""Registered models: the facts of each version, and its stage, which all registries are told alike."""
