"""Starts one machine's training processes through torch's elastic launch, the API beneath torchrun, and waits.

On a machine that does not lead: `python -m finetune.training.launch FOLDER`.
"""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from finetune.asked import SIGNALS
from finetune.collector import collect_rarely
from finetune.errors import TrainError
from finetune.job.failure import leave
from finetune.job.hosts import JOIN_S, Hosts, hosts_of
from finetune.training.accelerated import accelerate_environment
from finetune.training.callbacks import TrainingStopped
from finetune.training.failures import first_failure, print_stacks
from finetune.training.work import STOPPED, Work
from finetune.variables import variables

GRACE_S, POLL_S = 110, 0.1
"""For a checkpoint after a signal, of the 120 s that SageMaker gives; between looks."""


def processes_of(wanted: int | None) -> int:
    """Training processes of this machine: as many as wanted, else one for each GPU, or one.

    Raises:
        TrainError: More are wanted than there are GPUs.
    """
    gpus = torch.cuda.device_count()
    if wanted is not None and gpus and wanted > gpus:
        raise TrainError(f"train.processes: {wanted} are asked for, but this machine has {gpus} GPUs; ask for fewer")
    return wanted or max(1, gpus)


def launch(folder: Path, hosts: Hosts | None) -> None:
    """Runs this machine's share of the work in a folder to its end; with several machines each of them calls this.

    Raises:
        TrainError: A process failed; the message is the first one's, with its rank.
        TrainingStopped: A signal came; what was done is saved.
    """
    work = Work.read(folder)
    accelerated = accelerate_environment(work.settings["accelerate"], gpus=torch.cuda.is_available())
    with _signals_kept(), variables(_own(work.processes, hosts) | accelerated):
        try:
            elastic_launch(_config(work.processes, hosts), sys.executable)(
                "-m", "finetune.training.worker", str(folder)
            )
        except ChildFailedError as error:
            codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
            print_stacks(folder)
            raise first_failure(folder, codes) from None
        except SignalException as stopped:
            raise _stopped(folder) or TrainingStopped(stopped.sigval) from None
    if stop := _stopped(folder):
        raise stop


def _config(processes: int, hosts: Hosts | None) -> LaunchConfig:
    machines = 1 if hosts is None else len(hosts.names)
    here = "127.0.0.1" if hosts is None else hosts.current
    leader, port = ("127.0.0.1", _free_port()) if hosts is None else (hosts.leader, hosts.port + 1)
    return LaunchConfig(
        min_nodes=machines,
        max_nodes=machines,
        nproc_per_node=processes,
        run_id="train",
        rdzv_backend="static",
        rdzv_endpoint=f"{leader}:{port}",
        rdzv_configs={"rank": 0 if hosts is None else hosts.names.index(hosts.current), "timeout": JOIN_S},
        max_restarts=0,
        monitor_interval=POLL_S,
        local_addr=here,
        shutdown_timeout=GRACE_S,
    )


def _own(processes: int, hosts: Hosts | None) -> dict[str, str]:
    """The user's own, else: threads for each process, and no warnings of torch's C++ parts from each of them.

    The network interface between machines is the platform's. Modules are found where this process finds them.
    """
    usual = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes)), "TORCH_CPP_LOG_LEVEL": "ERROR"}
    interface = {} if hosts is None else dict.fromkeys(("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"), hosts.interface)
    found = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return {name: value for name, value in usual.items() if name not in os.environ} | interface | found


def _stopped(folder: Path) -> TrainingStopped | None:
    file = folder / STOPPED
    return TrainingStopped(*json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def _signals_kept() -> Iterator[None]:
    """The launch sets handlers of its own and leaves them."""
    before = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGHUP, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main(name: str) -> int:
    """Runs the share of a machine that does not lead; its failure stays in the folder, for who started this."""
    try:
        launch(Path(name), hosts_of())
    except TrainError as error:
        leave(Path(name), error)
        return 1
    except TrainingStopped:
        return 0
    return 0


if __name__ == "__main__":
    collect_rarely()
    sys.exit(main(sys.argv[1]))
