"""Environment defaults of a run: nothing phones home, and libraries keep to warnings. What the user has set stays."""

import logging
import os
import sys

DEFAULTS = {
    "ZENML_ANALYTICS_OPT_IN": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",  # its own telemetry, too
    "ZENML_LOGGING_VERBOSITY": "CRITICAL",  # of a failed step, run.py itself says what it raised
    "ZENML_ENABLE_REPO_INIT_WARNINGS": "false",
    "ZENML_DISABLE_STEP_NAMES_IN_LOGS": "true",
    "ZENML_ENABLE_RICH_TRACEBACK": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",  # encode_data runs in forked processes, where tokenizers' threads would hang
}


def quiet_defaults() -> None:
    """Fills in the defaults, before any of these libraries is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    # Left alone, the SageMaker SDK tells of every file that it looks for.
    logging.getLogger("sagemaker.config").setLevel(logging.WARNING)
    if not sys.stderr.isatty():
        os.environ.setdefault("ZENML_LOGGING_COLORS_DISABLED", "true")
