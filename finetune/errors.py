"""The errors that a user is meant to read. Each says which key or file, which rule, which value, and what to do."""


class FinetuneError(Exception):
    """A permanent failure with a message for the user; run.py prints it without a traceback."""


class ConfigError(FinetuneError):
    """The config file, or a value in it, breaks a rule. Ends run.py with exit code 2."""


class FunctionsError(FinetuneError):
    """An experiment's functions.py lacks a function, or one breaks its contract. Exit code 2 before a run."""


class ReconcileError(FinetuneError):
    """Labels or raw files cannot be read, copied or validated."""


class UnreachableError(ReconcileError):
    """This machine does not reach the labels, or may not read their secret; a job elsewhere may well do."""


class StorageError(FinetuneError):
    """A place in S3 cannot be listed, read or written."""


class PrepareError(FinetuneError):
    """Ids cannot be selected, split or encoded."""


class CheckError(FinetuneError):
    """A data check whose severity is fail found too much, or cannot be made."""


class UnreadableError(PrepareError):
    """encode_data raised on the files of one id, or some of them are missing; a policy may drop the id."""


class TrainError(FinetuneError):
    """Training cannot start or go on."""


class TuneError(FinetuneError):
    """A study cannot go on, or none of its trials gave a value."""


class EvaluateError(FinetuneError):
    """A trained model, or its predictions, cannot be evaluated."""


class ServeError(FinetuneError):
    """A model package cannot be written or served."""


class CompareError(FinetuneError):
    """Models cannot be compared, or some of several failed."""


class FeatureStoreError(FinetuneError):
    """A feature group is absent or has another schema, or records cannot be stored or fetched."""


class TransformError(FinetuneError):
    """Records cannot be read, sent to a model or joined with its answers."""


class GateError(FinetuneError):
    """A model does not pass its gate, so it is not registered."""


class RegistryError(FinetuneError):
    """A registry of models does not answer, or has not what is asked of it."""


class RunError(FinetuneError):
    """A run number cannot be claimed or resumed. Ends run.py with exit code 2."""


class ComputeError(FinetuneError):
    """A job on other machines cannot be started, or ended without a result."""
