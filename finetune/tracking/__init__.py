"""Trackers: where the numbers of a run can be watched while it works."""
