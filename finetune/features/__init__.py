"""Feature engineering: rows of features for each id, without labels to learn and without a model."""
