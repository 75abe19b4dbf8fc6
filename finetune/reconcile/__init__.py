"""Brings labels and raw files together in the experiment home, and says which ids were dropped and why."""
