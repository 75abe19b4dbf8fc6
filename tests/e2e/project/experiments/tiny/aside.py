"""Nobody imports this module."""

SAID = "nothing"
