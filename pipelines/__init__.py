"""Composition: which step feeds which."""
