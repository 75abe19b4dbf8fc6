"""Steps of the trivial pipeline."""
