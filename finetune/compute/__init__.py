"""What is known about instances, and what is refused before a job is submitted. Pure."""
