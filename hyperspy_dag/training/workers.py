# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that train classes: this one, local ones beside it, or a dask cluster.

Whatever the place, a class is one call of :func:`.train_class.train_class`, and what it gives
depends on the job alone.

joblib is no substitute: its own processes lose all classes where one of them is killed, its dask
backend never returns then, and neither tells of epochs or ends what runs at Ctrl-C.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hyperspy_dag._utils.checks import check_count

from .progress import TrainingProgress
from .train_class import Callback, ClassJob, TrainedClass, begin_job, train_class

if TYPE_CHECKING:
    from distributed import Client

_logger = logging.getLogger(__name__)

#: What keeps a process at one thread, unless the user's environment says otherwise.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)

#: ``progress(label, epoch, metrics)``
ProgressReport = Callable[[Any, int, dict[str, float]], None]


class WorkerLostError(RuntimeError):
    """The process that trained a class ended unexpectedly, and again after a restart.

    See Also
    --------
    hyperspy_dag.EELSAugmenter.fit : Train classes in parallel.

    Examples
    --------
    >>> from hyperspy_dag.augmenter import WorkerLostError
    >>> try:
    ...     raise WorkerLostError("too little memory")  # as fit does
    ... except WorkerLostError as error:
    ...     print(error)
    too little memory
    """


def check_workers(
    n_jobs: object, client: object, watched: bool = False
) -> tuple[int, Client | None]:
    """Return the number of processes and the cluster for the arguments of `fit`, checked.

    `watched` says that there is a callback, which works in this process alone.

    Raises
    ------
    TypeError, ValueError
        `n_jobs` is not a whole number of at least 1 or -1, `client` is not a
        ``dask.distributed.Client``, or both were given.
    ImportError
        Another process is wanted and ``distributed`` is not installed.
    """
    if watched:
        if client is not None or n_jobs not in (None, 1):
            raise ValueError(
                "callback= looks on at classes that are trained one after the other in this "
                "process: leave n_jobs= and client= out"
            )
        return 1, None
    if client is not None:
        if n_jobs is not None:
            raise ValueError("give n_jobs= or client=, not both: the cluster has its own workers")
        return 1, _check_client(client)
    if n_jobs is None:
        return 1, _active_client()
    if n_jobs == -1:
        n_jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        n_jobs = n_jobs or os.cpu_count() or 1
    n_jobs = check_count("n_jobs", n_jobs)
    if n_jobs > 1:
        _import_distributed()
    return n_jobs, None


def _import_distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise ImportError(
            "training classes side by side needs dask's distributed, which could not be imported "
            f"({error}); install it with: pip install distributed. n_jobs=1 needs nothing"
        ) from error
    return distributed


def _check_client(client: object) -> Client:
    distributed = _import_distributed()
    if not isinstance(client, distributed.Client) or client.asynchronous:
        raise TypeError(
            f"client must be a dask.distributed.Client that is not asynchronous, {client!r} was "
            "given"
        )
    return client


def _active_client() -> Client | None:
    """Return the active client of dask, or None."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        client = distributed.default_client()
    except ValueError:
        return None
    return None if client.asynchronous else client


def fit_classes(
    jobs: Sequence[ClassJob],
    spectra: dict[Any, np.ndarray],
    *,
    n_jobs: int,
    client: Client | None,
    progress: ProgressReport,
    watch: Callback | None = None,
) -> Generator[tuple[Any, TrainedClass | Exception], None, None]:
    """Train classes; yield each with its result or its error when it is finished.

    Parameters
    ----------
    jobs : sequence of ClassJob
    spectra : dict of label to array of shape (n, channels)
    n_jobs : int
        Number of processes; 1 is this one.
    client : dask.distributed.Client or None
        Cluster that trains the classes.
    progress : callable
        Called in this process, possibly in another thread.
    watch : callable, optional
        For classes that are trained in this process: returns whether the training ends.
    """
    if client is not None:
        yield from _fit_on_cluster(jobs, spectra, client, progress)
        return
    if n_jobs > 1:
        # Processes are started for classes that are trained alone.
        jobs, here = [], jobs
        for job in here:
            try:
                job = begin_job(job, spectra[job.label])
            except Exception as error:  # noqa: BLE001 - it is handed on; the other classes go on
                yield job.label, error
                continue
            if job.begun is not None and not job.begun.trains:
                yield job.label, _fit_here(job, spectra[job.label], progress, watch)
            else:
                jobs.append(job)
    if min(n_jobs, len(jobs)) > 1:
        with _local_client(min(n_jobs, len(jobs))) as client:
            yield from _fit_on_cluster(jobs, spectra, client, progress)
    else:
        for job in jobs:
            yield job.label, _fit_here(job, spectra[job.label], progress, watch)


def _fit_here(
    job: ClassJob, spectra: np.ndarray, progress: ProgressReport, watch: Callback | None
) -> TrainedClass | Exception:
    def report(one: TrainingProgress) -> bool:
        progress(job.label, one.epoch, one.metrics)
        return watch is not None and bool(watch(one))

    progress(job.label, 0, {})
    try:
        return train_class(job, spectra, report)
    except Exception as error:  # noqa: BLE001 - it is handed on; the other classes go on
        return error


@contextmanager
def _local_client(n_workers: int) -> Iterator[Client]:
    """Start a cluster of single-threaded processes on this machine for a fit."""
    import dask

    distributed = _import_distributed()
    threads = {name: os.environ.get(name, "1") for name in THREAD_VARIABLES}
    environment = dask.config.get("distributed.nanny.pre-spawn-environ", {}) | threads
    with (
        dask.config.set({"distributed.nanny.pre-spawn-environ": environment}),
        distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=True,
            # An even share of the memory per core would be too little for TensorFlow on laptops.
            memory_limit=0,
            dashboard_address=None,
            silence_logs=logging.ERROR,
        ) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        client.run(_ignore_ctrl_c)
        yield client


def _ignore_ctrl_c() -> None:
    """Ignore Ctrl-C in a worker, since the main process handles it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _fit_on_cluster(
    jobs: Sequence[ClassJob],
    spectra: dict[Any, np.ndarray],
    client: Client,
    progress: ProgressReport,
) -> Iterator[tuple[Any, TrainedClass | Exception]]:
    import dask

    distributed = _import_distributed()
    run = f"hyperspy_dag-{uuid.uuid4().hex}"
    stop = distributed.Event(run, client=client)
    labels = [job.label for job in jobs]
    client.subscribe_topic(run, lambda event: progress(labels[event[1][0]], *event[1][1:]))

    def submit(number: int) -> Any:
        job = jobs[number]
        # The spectra go with the task and stay with the scheduler: whoever takes over from a lost
        # worker has them, and workers that are still in a queue may come when they come.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1PB"}):
            return client.submit(
                _fit_on_worker,
                job,
                spectra[job.label],
                run,
                number,
                key=f"{run}-{number}",
                # The longest first: no worker is left alone with it at the end.
                priority=len(spectra[job.label]),
                pure=False,
            )

    order = sorted(range(len(jobs)), key=lambda i: -len(spectra[jobs[i].label]))
    running = {submit(number): number for number in order}
    done = distributed.as_completed(running, loop=client.loop)
    try:
        for future in done:
            number = running.pop(future)
            label = jobs[number].label
            try:
                result = future.result()
            except (CancelledError, distributed.KilledWorker) as error:
                yield label, _lost(label, error)
            except Exception as error:  # noqa: BLE001 - it is handed on; the other classes go on
                yield label, error
            else:
                yield label, result
    finally:
        client.unsubscribe_topic(run)
        if running:
            # Ctrl-C. What waits is taken back, and what runs ends at its next report.
            stop.set()
            client.cancel(list(running))


def _lost(label: Any, error: BaseException) -> WorkerLostError:
    lost = WorkerLostError(
        f"the process that trained class {label!r} ended abruptly, and again when it was begun "
        "anew. Most often the memory did not suffice: train fewer classes side by side (n_jobs=) "
        "or give the workers more"
    )
    lost.__cause__ = error
    return lost


def _fit_on_worker(job: ClassJob, spectra: np.ndarray, run: str, number: int) -> TrainedClass:
    """Train a class in a worker of the cluster."""
    from distributed import Event, get_worker

    # Before TensorFlow is first imported there; dask sees to the other libraries' threads. A
    # worker that is a thread of the user's own process leaves its environment alone.
    if multiprocessing.parent_process() is not None:
        for name in THREAD_VARIABLES[-2:]:
            os.environ.setdefault(name, "1")
    worker = get_worker()
    stop = Event(run)

    def report(one: TrainingProgress) -> None:
        worker.log_event(run, (number, one.epoch, one.metrics))
        if stop.is_set():
            raise InterruptedError(f"the training of class {job.label!r} was called off")

    return train_class(job, spectra, report)
