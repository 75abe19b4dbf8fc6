"""Hands parts out to processes, each as soon as it is free, and says which part one worked on that died."""

import multiprocessing
import resource
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from finetune.errors import FinetuneError, PrepareError
from finetune.shards.markers import Marker
from finetune.shards.parts import MB, Part
from finetune.shards.work import Maker, Work, ids_of
from finetune.variables import variables

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""There is a process for each core."""
LIKELY = {signal.SIGKILL: "most often because memory ran out", signal.SIGABRT: "often because memory ran out"}


@dataclass
class _Worker:
    """A process, the end of its pipe, and the part that it works on."""

    process: SpawnProcess
    pipe: Connection
    part: Part


def hand_out(parts: Sequence[Part], work: Work, processes: int) -> Iterator[tuple[Part, Marker]]:
    """Makes all parts in the given order and yields each as it is done.

    A process starts anew from Python's beginning: one that is forked would share locks and connections with its parent.

    Raises:
        PrepareError: As `Maker.make`; or a process died, which is told with the part that it worked on.
    """
    waiting = list(reversed(parts))
    context = multiprocessing.get_context("spawn")
    with variables(ONE_THREAD):
        workers = [_start(context, work, waiting.pop()) for _ in range(min(processes, len(parts)))]
    try:
        for worker in workers:
            _send(worker)
        while workers:
            ready = wait([worker.pipe for worker in workers])
            for worker in [worker for worker in workers if worker.pipe in ready]:
                marker = _received(worker, len(workers))
                made = worker.part
                if waiting:
                    worker.part = waiting.pop()
                    _send(worker)
                else:
                    worker.pipe.close()
                    workers.remove(worker)
                    worker.process.join()
                yield made, marker
    finally:
        for worker in workers:
            worker.process.terminate()
            worker.process.join()


def _start(context: Any, work: Work, part: Part) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, work), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours, part)


def _send(worker: _Worker) -> None:
    with suppress(BrokenPipeError):  # that it is dead is told where its answer is waited for
        worker.pipe.send(worker.part)


def _received(worker: _Worker, processes: int) -> Marker:
    try:
        answer = worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.process.join()
        raise _died(worker, processes) from None
    if isinstance(answer, Marker):
        return answer
    raise answer


def _died(worker: _Worker, processes: int) -> PrepareError:
    code = worker.process.exitcode or 0
    how = f"ended with exit code {code}"
    if code < 0:
        likely = LIKELY.get(signal.Signals(-code))
        how = f"was killed by {signal.Signals(-code).name}{f', {likely}' if likely else ''}"
    return PrepareError(
        f"one of the {processes} processes that encode {how}, while it worked on {ids_of(worker.part)} "
        f"({worker.part.size:,} bytes); lower prepare.processes or prepare.shards.part_mb, or take a larger machine; "
        f"parts that are done stay"
    )


def _serve(pipe: Connection, work: Work) -> None:
    """Runs in the process: makes the parts that it is sent, until the other end of the pipe is closed or gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its processes
    try:
        maker = Maker(work)
        _bound(work.memory_mb)
        while True:
            pipe.send(maker.make(pipe.recv()))
    except FinetuneError as error:
        pipe.send(type(error)(str(error)))
    except (EOFError, ConnectionResetError, BrokenPipeError):
        return


def _bound(memory_mb: int) -> None:
    """Bounds what the process may take from here on, where the system is Linux: a larger request raises MemoryError."""
    about = Path("/proc/self/status")
    if not about.exists():
        return
    lines = about.read_text(encoding="utf-8", errors="replace").splitlines()
    taken = next(int(line.split()[1]) for line in lines if line.startswith("VmData:")) * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    bound = taken + memory_mb * MB
    resource.setrlimit(resource.RLIMIT_DATA, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))
