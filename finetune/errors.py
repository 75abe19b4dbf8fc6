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


class TrainError(FinetuneError):
    """Training cannot start or go on."""


class EvaluateError(FinetuneError):
    """A trained model, or its predictions, cannot be evaluated."""


class RunError(FinetuneError):
    """A run number cannot be claimed or resumed. Ends run.py with exit code 2."""


class ComputeError(FinetuneError):
    """A job on other machines cannot be started, or ended without a result."""
