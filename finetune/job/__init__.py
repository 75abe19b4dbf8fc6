"""A job of several hosts: one leads and runs the step, the others do what it hands out."""
