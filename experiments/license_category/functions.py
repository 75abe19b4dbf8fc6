"""The five functions of EXP-3335: which category has this licence? They are those of the licence mentions."""

from experiments.license_mentions.functions import encode_data, get_dataset_features, get_model, process_func

__all__ = ["encode_data", "get_dataset_features", "get_model", "process_func"]
