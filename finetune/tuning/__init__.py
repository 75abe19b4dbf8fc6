"""Searches the best parameters of a training: one controller, and trials that train in processes of their own."""
