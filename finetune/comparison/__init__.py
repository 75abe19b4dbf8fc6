"""Compares several models on one test split: how sure each score is, whether the best two differ, and where."""
