# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that train classes or adapt to targets: this one, others beside it, or a dask cluster.

Whatever the place, a class or a target is one call of its job's ``run``, and what it gives depends
on the job and its spectra alone.

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
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from hyperspy_dag._utils.checks import check_count

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

#: ``progress(label, done, details)``: epochs and metrics of a class, or share and step of a target.
ProgressReport = Callable[[Any, Any, Any], None]


#: Called with every report, whose ``brief`` a progress bar shows; if it returns True, the job
#: ends.
Watch = Callable[[Any], bool | None]


class Job(Protocol):
    """Everything that a result depends on but the spectra.

    Attributes
    ----------
    label : str, int or bool
    name : str
        For messages.
    """

    @property
    def label(self) -> Any: ...
    @property
    def name(self) -> str: ...
    @property
    def heavy(self) -> bool:
        """Whether it is worth a process of its own."""

    def begin(self, spectra: np.ndarray) -> Self:
        """Do what tells whether it is heavy."""

    def run(self, spectra: np.ndarray, callback: Watch) -> Any:
        """Do it."""


class WorkerLostError(RuntimeError):
    """The process that worked on a class or target ended unexpectedly, and again when restarted.

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
                "callback= looks on at what is done one after the other in this process: leave "
                "n_jobs= and client= out"
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
            "working side by side needs dask's distributed, which could not be imported "
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


def run_side_by_side(
    jobs: Sequence[Job],
    spectra: Mapping[Any, np.ndarray],
    *,
    n_jobs: int,
    client: Client | None,
    progress: ProgressReport,
    watch: Watch | None = None,
) -> Generator[tuple[Any, Any], None, None]:
    """Run jobs; yield each label with its result or its error when it is finished.

    Parameters
    ----------
    jobs : sequence of Job
    spectra : dict of label to array of shape (n, channels)
    n_jobs : int
        Number of processes; 1 is this one.
    client : dask.distributed.Client or None
        Cluster that runs them.
    progress : callable
        Called in this process, possibly in another thread.
    watch : callable, optional
        For what runs in this process: returns whether it ends.
    """
    if client is not None:
        yield from _run_on_cluster(jobs, spectra, client, progress)
        return
    if n_jobs > 1:
        # Processes are started for what is heavy alone.
        heavy = []
        for job in jobs:
            try:
                job = job.begin(spectra[job.label])
            except Exception as error:  # noqa: BLE001 - it is handed on; the others go on
                yield job.label, error
                continue
            if job.heavy:
                heavy.append(job)
            else:
                yield job.label, _run_here(job, spectra[job.label], progress, watch)
        jobs = heavy
    if min(n_jobs, len(jobs)) > 1:
        with _local_client(min(n_jobs, len(jobs))) as client:
            yield from _run_on_cluster(jobs, spectra, client, progress)
    else:
        for job in jobs:
            yield job.label, _run_here(job, spectra[job.label], progress, watch)


def _run_here(job: Job, spectra: np.ndarray, progress: ProgressReport, watch: Watch | None) -> Any:
    def report(one: Any) -> bool:
        progress(job.label, *one.brief)
        return watch is not None and bool(watch(one))

    progress(job.label, 0, {})
    try:
        return job.run(spectra, report)
    except Exception as error:  # noqa: BLE001 - it is handed on; the others go on
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


def _run_on_cluster(
    jobs: Sequence[Job],
    spectra: Mapping[Any, np.ndarray],
    client: Client,
    progress: ProgressReport,
) -> Iterator[tuple[Any, Any]]:
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
                _run_on_worker,
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
                yield label, _lost(jobs[number], error)
            except Exception as error:  # noqa: BLE001 - it is handed on; the others go on
                yield label, error
            else:
                yield label, result
    finally:
        client.unsubscribe_topic(run)
        if running:
            # Ctrl-C. What waits is taken back, and what runs ends at its next report.
            stop.set()
            client.cancel(list(running))


def _lost(job: Job, error: BaseException) -> WorkerLostError:
    lost = WorkerLostError(
        f"the process that worked on {job.name} ended abruptly, and again when it was begun anew. "
        "Most often the memory did not suffice: run fewer side by side (n_jobs=) or give the "
        "workers more"
    )
    lost.__cause__ = error
    return lost


def _run_on_worker(job: Job, spectra: np.ndarray, run: str, number: int) -> Any:
    """Run a job in a worker of the cluster."""
    from distributed import Event, get_worker

    # Before TensorFlow is first imported there; dask sees to the other libraries' threads. A
    # worker that is a thread of the user's own process leaves its environment alone.
    if multiprocessing.parent_process() is not None:
        for name in THREAD_VARIABLES[-2:]:
            os.environ.setdefault(name, "1")
    worker = get_worker()
    stop = Event(run)

    def report(one: Any) -> None:
        worker.log_event(run, (number, *one.brief))
        if stop.is_set():
            raise InterruptedError(f"the work on {job.name} was called off")

    return job.run(spectra, report)
