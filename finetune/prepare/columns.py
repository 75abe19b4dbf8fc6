"""The columns of a dataset that are this project's own, beside the features that the experiment names."""

import datasets

GUID = "guid"
LABELS = "labels"
"""A feature of the experiment: the class id."""
TRUNCATED = "truncated"
OWN_COLUMNS = {GUID: datasets.Value("string"), TRUNCATED: datasets.Value("bool")}
"""What an encoded example has beside its features; the second is counted, and no column of the dataset."""
