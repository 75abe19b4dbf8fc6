"""The library: everything an experiment does, without ZenML. Its rooms are named by subject, not by step."""
