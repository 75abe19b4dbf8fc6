"""Runs on AWS: submitted, followed, looked at, stopped, and begun by schedules."""
