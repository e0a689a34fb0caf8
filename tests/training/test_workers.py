# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes side by side: the same spectra wherever they are trained, and nothing lost."""

from __future__ import annotations

import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import POSIX
from spectra import eels, two_classes, white_lines
from trainers import compiled_once, weights  # noqa: F401 - a fixture of the module

from hyperspy_dag import EELSAugmenter
from hyperspy_dag.augmenter import WorkerLostError
from hyperspy_dag.io import files
from hyperspy_dag.training.train_class import ClassTraining
from hyperspy_dag.training.workers import check_workers, run_side_by_side

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fewer than"),
    pytest.mark.filterwarnings("ignore:.*stopping criterion"),
]


def make() -> EELSAugmenter:
    return EELSAugmenter(recipe="paper", architecture="compact", max_epochs=4, random_state=3)


def three_classes():
    """Signal and labels of three classes of different size."""
    data = [white_lines(n, position=p, seed=n) for n, p in ((12, 0.3), (20, 0.4), (15, 0.5))]
    return eels(np.concatenate(data)), np.repeat(["a", "b", "c"], [12, 20, 15])


def cluster_of_threads(n_workers: int):
    """Threads of this process as workers: the cluster's protocol without its start-up cost."""
    return distributed.LocalCluster(
        n_workers=n_workers,
        threads_per_worker=1,
        processes=False,
        # This process holds all that the tests before have left.
        memory_limit=0,
        dashboard_address=None,
    )


@pytest.fixture(scope="module")
def client():
    with (
        cluster_of_threads(2) as cluster,
        distributed.Client(cluster, set_as_default=False) as one,
    ):
        yield one


@pytest.fixture(scope="module")
def serial() -> EELSAugmenter:
    return make().fit(*three_classes(), show_progressbar=False)


def test_a_cluster_gives_the_same(client, serial):
    augmenter = make().fit(*three_classes(), client=client, show_progressbar=False)
    assert weights(augmenter) == weights(serial)
    assert augmenter.classes_ == ["a", "b", "c"]
    assert augmenter.history_ == serial.history_
    np.testing.assert_array_equal(augmenter.sample(3).data, serial.sample(3).data)


def test_workers_may_come_later(serial):
    """As from a queue; and spectra of any size go without dask's remarks on large graphs."""
    with (
        warnings.catch_warnings(),
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "1kB"}),
        cluster_of_threads(0) as cluster,
        distributed.Client(cluster, set_as_default=False) as late,
    ):
        warnings.filterwarnings("error", ".*large graph")
        timer = threading.Timer(1.0, cluster.scale, [1])
        timer.start()
        augmenter = make().fit(*three_classes(), client=late, show_progressbar=False)
    assert weights(augmenter) == weights(serial)


def test_an_active_client_is_used(client, serial, monkeypatch):
    from hyperspy_dag.training import workers

    with client.as_current():
        assert check_workers(None, None) == (1, client)
        assert check_workers(1, None) == (1, None)

    def none():
        raise ValueError("No clients found")

    monkeypatch.setattr(distributed, "default_client", none)
    assert check_workers(None, None) == (1, None)
    submitted = []
    submit = client.submit
    monkeypatch.setattr(workers, "_active_client", lambda: client)
    monkeypatch.setattr(client, "submit", lambda *a, **k: submitted.append(a) or submit(*a, **k))
    augmenter = make().fit(*three_classes(), show_progressbar=False)
    assert len(submitted) == 3
    assert weights(augmenter) == weights(serial)


def test_one_class_that_fails_stops_no_other(client, monkeypatch):
    run = ClassTraining.run

    def failing(self, callback):
        if self.job.label == "b":
            raise OSError("no disk for class b")
        return run(self, callback)

    monkeypatch.setattr(ClassTraining, "run", failing)
    for options in ({"client": client}, {"n_jobs": 1}):
        augmenter = make()
        with pytest.raises(OSError, match="class b") as raised:
            augmenter.fit(*three_classes(), show_progressbar=False, **options)
        assert augmenter.classes_ == ["a", "c"]
        assert raised.value.__notes__ == ["This augmenter keeps: a, c."]


def test_no_memory_says_what_to_do(client, monkeypatch):
    def full(self, *arguments):
        raise MemoryError("TensorFlow found no memory")

    monkeypatch.setattr(ClassTraining, "run", full)
    with pytest.raises(MemoryError, match="train fewer classes side by side") as raised:
        make().fit(*three_classes(), client=client, show_progressbar=False)
    assert "Not fitted besides" in raised.value.__notes__[0]


def test_ctrl_c_keeps_finished_classes_and_calls_off_the_others(client, monkeypatch):
    from hyperspy_dag.training import fit as module

    def interrupted(*args, **kwargs):
        for result in run_side_by_side(*args, **kwargs):
            yield result
            raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_side_by_side", interrupted)
    one = make()
    with pytest.warns(UserWarning, match="Training was interrupted. Kept"):
        one.fit(*three_classes(), client=client, show_progressbar=False)
    assert len(one.classes_) == 1
    # Nothing keeps running on the cluster.
    assert distributed.wait(client.submit(int), timeout=60)


def test_progress_counts_classes(client, capsys):
    make().fit(*three_classes(), client=client, show_progressbar=True)
    assert "3/3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("n_jobs", "client", "error", "message"),
    [
        (0, None, ValueError, "n_jobs must be at least 1, 0"),
        (-2, None, ValueError, "n_jobs must be at least 1, -2"),
        (1.5, None, TypeError, "n_jobs must be a whole number, 1.5"),
        (None, "tcp://here", TypeError, "client must be a dask.distributed.Client"),
        (2, "tcp://here", ValueError, "not both"),
    ],
)
def test_says_what_is_wrong(n_jobs, client, error, message):
    with pytest.raises(error, match=message):
        make().fit(*two_classes(), n_jobs=n_jobs, client=client)


def test_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match="pip install distributed"):
        make().fit(*two_classes(), n_jobs=2)
    check_workers(1, None)


def test_every_core():
    assert check_workers(-1, None)[0] >= 1


SCRIPT = """
import os, signal, sys, threading, time
sys.path[:0] = {tests!r}
import numpy as np

def main():
    import distributed
    from test_workers import make, three_classes, weights
    where = sys.argv[1]
    s, labels = three_classes()
    serial = weights(make().fit(s, labels, show_progressbar=False))
    if where == "processes":
        augmenter = make().fit(s, labels, n_jobs=2, show_progressbar=False)
    else:
        killed = []
        with distributed.LocalCluster(
            n_workers=int(sys.argv[2]), threads_per_worker=1, dashboard_address=None
        ) as cluster, distributed.Client(cluster) as client:
            def kill():
                # As soon as one has been training for a while.
                while True:
                    busy = [w for w, keys in client.processing().items() if keys]
                    if busy:
                        break
                    time.sleep(0.1)
                time.sleep(float(sys.argv[3]))
                busy = [w for w, keys in client.processing().items() if keys]
                process = client.run(os.getpid, workers=busy[:1])
                killed.extend(process.values())
                os.kill(killed[0], signal.SIGKILL)
            thread = threading.Thread(target=kill)
            thread.start()
            augmenter = make().fit(s, labels, show_progressbar=False)
            thread.join()
            assert killed
    assert augmenter.classes_ == ["a", "b", "c"]
    assert weights(augmenter) == serial, "not the same as serial"
    print("same")

if __name__ == "__main__":
    main()
"""


def run_script(run_python, tmp_path, *arguments):
    """In a file, because workers import the script that began them."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(tests=list(map(str, Path(__file__).parents[:2]))))
    code = f"import runpy, sys; sys.argv = {[str(script), *map(str, arguments)]!r}\n"
    return run_python(code + f"runpy.run_path({str(script)!r}, run_name='__main__')")


@pytest.mark.slow
def test_processes_give_the_same(run_python, tmp_path):
    assert "same" in run_script(run_python, tmp_path, "processes").stdout


@POSIX
@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.thorough)])
def test_a_worker_killed_in_the_middle(run_python, tmp_path, workers):
    """With one worker its spectra are gone with it; with two the other takes over."""
    assert "same" in run_script(run_python, tmp_path, "cluster", workers, 4).stdout


@pytest.mark.slow
def test_gives_up_on_a_class_that_kills_its_workers():
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as c,
        distributed.Client(c, set_as_default=False) as client,
    ):
        client.run(_kill_when_fitting)
        with pytest.raises(WorkerLostError, match="ended abruptly"):
            make().fit(*two_classes(), client=client, show_progressbar=False)


def _kill_when_fitting():
    import os

    from hyperspy_dag.training.train_class import ClassTraining

    def die(*arguments):
        os._exit(9)

    ClassTraining.run = die


@pytest.mark.slow
def test_fresh_processes_give_the_same_bytes(run_python, tmp_path):
    """The default recipe: two processes of the same machine, the same file but for its times."""
    digests = set()
    for name in ("a", "b"):
        out = run_python(
            """
            import sys
            sys.path.insert(0, sys.argv[1])
            import hashlib
            from spectra import two_classes
            from hyperspy_dag import EELSAugmenter
            a = EELSAugmenter(training="always", max_epochs=20, stopping=None, random_state=7)
            a.fit(*two_classes(40, 30), show_progressbar=False).save(sys.argv[2])
            print("digest", hashlib.sha256(a.sample(300).data.tobytes()).hexdigest())
            """,
            Path(__file__).parents[1],
            tmp_path / name,
        ).stdout
        digests.add(next(line for line in out.splitlines() if line.startswith("digest")))
    assert len(digests) == 1
    first, second = (files.read(tmp_path / name) for name in ("a", "b"))
    assert first[1].keys() == second[1].keys()
    for name, array in first[1].items():
        assert array.tobytes() == second[1][name].tobytes()
    for header in (first[0], second[0]):
        header.pop("fit_seconds")
    assert first[0] == second[0]
