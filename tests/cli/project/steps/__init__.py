"""Steps of the trial."""
