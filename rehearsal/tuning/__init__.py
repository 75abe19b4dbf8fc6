"""Hyperparameter tuning jobs: training jobs with values from ranges, as many at once as may, and the best of them."""
