"""Turns `train.accelerate` into the environment in which accelerate's own launcher starts the processes."""

import argparse
import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from finetune.errors import TrainError

FULL = "FULL_STATE_DICT"
FLAGS = {"FSDP": ["--use_fsdp"], "DEEPSPEED": ["--use_deepspeed"]}
"""What divides a model among GPUs, and how accelerate's launcher is told so; on CPUs it passes both over in silence."""
SECTIONS = {"fsdp_config": "fsdp_", "parallelism_config": "parallelism_config_", "deepspeed_config": ""}
"""Prefix of a section's keys on the launcher's command line."""
NAMED = ("fsdp_auto_wrap_policy", "fsdp_sharding_strategy", "fsdp_backward_prefetch")
"""What the launcher's parser takes any word for; accelerate.utils.constants has a list of each."""


def accelerate_environment(settings: Mapping[str, Any], *, gpus: bool) -> dict[str, str]:
    """Gives the variables that accelerate reads in each process.

    Args:
        settings: A mapping in the form of `accelerate config`.
        gpus: Whether the processes compute on GPUs.

    Raises:
        TrainError: accelerate does not know a key, refuses a value, or needs GPUs for it.
    """
    if not settings:
        return {}
    check_accelerate(settings)
    kind = settings.get("distributed_type")
    if kind in FLAGS and not gpus:
        raise TrainError(
            f"train.accelerate.distributed_type: {kind} divides a model among GPUs, and this machine has none; give "
            "train machines that have some (compute.train), or leave train.accelerate out"
        )
    return _variables(settings)


def check_accelerate(settings: Mapping[str, Any]) -> None:
    """Refuses what no machine could follow; asks for neither GPU nor process group.

    Raises:
        TrainError: accelerate does not know a key, refuses a value, or lacks a package for it.
    """
    if settings.get("distributed_type") == "DEEPSPEED" and importlib.util.find_spec("deepspeed") is None:
        raise TrainError(
            "train.accelerate.distributed_type: DEEPSPEED needs the package deepspeed, which is not installed; write "
            "it into the requirements.txt in the experiment's folder, and install it here, too"
        )
    from accelerate.utils import constants  # type: ignore[import-untyped]

    sharding = settings.get("fsdp_config", {})
    for key in NAMED:
        known = getattr(constants, key.upper())
        if key in sharding and sharding[key] not in known:
            raise TrainError(
                f"train.accelerate.fsdp_config.{key}: must be one of {', '.join(known)}, but got {sharding[key]}"
            )
    wanted = sharding.get("fsdp_state_dict_type", FULL)
    if wanted != FULL:
        raise TrainError(
            f"train.accelerate.fsdp_config.fsdp_state_dict_type: must be {FULL}, but got {wanted}: any number of "
            "processes goes on from a checkpoint, so it is whole"
        )
    _variables(settings)


def _variables(settings: Mapping[str, Any]) -> dict[str, str]:
    """What the launcher's environment has for these settings and has not without them."""
    without = _launcher_environment([])
    return {name: value for name, value in _launcher_environment([*_words(settings)]).items() if name not in without}


def _words(settings: Mapping[str, Any]) -> Iterator[str]:
    """The launcher's command line: of its own config files it would pass unknown keys over in silence."""
    yield from FLAGS.get(settings.get("distributed_type", ""), [])
    for section, prefix in SECTIONS.items():
        if section == "parallelism_config" and settings.get(section):
            yield "--use_parallelism_config"
        for key, value in settings.get(section, {}).items():
            name = key if key.startswith(prefix) else f"{prefix}{key}"
            yield f"--{name}={str(value).lower() if isinstance(value, bool) else value}"
    if settings.get("distributed_type") == "FSDP" and "fsdp_state_dict_type" not in settings.get("fsdp_config", {}):
        yield f"--fsdp_state_dict_type={FULL}"
    yield from (f"--{name}" for name in ("debug", "enable_cpu_affinity") if settings.get(name))


def _launcher_environment(words: list[str]) -> dict[str, str]:
    from accelerate.commands.launch import launch_command_parser  # type: ignore[import-untyped]
    from accelerate.utils.launch import (  # type: ignore[import-untyped]
        prepare_deepspeed_cmd_env,
        prepare_multi_gpu_env,
    )

    parser: argparse.ArgumentParser = launch_command_parser()
    parser.error = _refuse  # type: ignore[method-assign]  # argparse would end the process
    arguments = parser.parse_args([*words, "worker"])
    ours = {"num_machines": 1, "num_processes": 1, "main_process_port": 0, "mixed_precision": "no"}
    for name, value in {**ours, "dynamo_backend": "no", "num_cpu_threads_per_process": 1}.items():
        setattr(arguments, name, value)
    try:
        if arguments.use_deepspeed:
            environment: dict[str, str] = prepare_deepspeed_cmd_env(arguments)[1]
        else:
            environment = prepare_multi_gpu_env(arguments)
    except (ValueError, RuntimeError) as error:
        _refuse(str(error))
    return environment


def _refuse(message: str) -> NoReturn:
    raise TrainError(f"train.accelerate: accelerate {_version()} refuses it: {message}")


def _version() -> str:
    import accelerate  # type: ignore[import-untyped]

    return str(accelerate.__version__)
