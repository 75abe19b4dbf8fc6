"""The trial of schedules."""
