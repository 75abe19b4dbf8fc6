"""A package's answers to many records: in batches, by SageMaker's batch transform or by processes of this machine."""
