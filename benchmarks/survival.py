# SPDX-License-Identifier: GPL-3.0-or-later
"""Trainings killed by SIGKILL at random moments: do they go on, and end the same?

    python benchmarks/survival.py                    # 20 runs
    python benchmarks/survival.py --runs 3

Each run trains two classes with checkpoints and is killed once: at a random moment, or (every
other run) with half of a random checkpoint written. Then it is resumed in a fresh process. Writes
JSON: how many ended with the weights of the uninterrupted training, and how many epochs that were
done at the kill had to be trained again, in intervals between checkpoints.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

EPOCHS, EVERY = 40, 5


def spectra() -> tuple[np.ndarray, np.ndarray]:
    """Two classes of small noisy white lines, and their labels."""
    random = np.random.default_rng(0)
    axis = np.linspace(0, 1, 64)
    centre = np.repeat([0.35, 0.5], 40)[:, None] + 0.01 * random.standard_normal((80, 1))
    data = np.exp(-(((axis - centre) / 0.05) ** 2) / 2) + 0.2 * (axis > centre)
    data += 0.05 * random.standard_normal(data.shape)
    data /= data.max(axis=1, keepdims=True)
    return data.astype(np.float32), np.repeat([0, 1], 40)


def train(folder: str, resume: bool, die_in_write: int) -> None:
    """Train or go on in this process, saying on stdout what is done; the last line is a digest."""
    from exspy.signals import EELSSpectrum

    from hyperspy_dag import EELSAugmenter
    from hyperspy_dag.dag.trainer import Trainer
    from hyperspy_dag.training.train_class import ClassTraining

    run, epochs, save, writes = ClassTraining.run, Trainer.train, np.savez, []

    def telling_run(self, callback):
        print("class", self.job.label, flush=True)
        return run(self, callback)

    def telling_train(self, first, number, *arguments):
        print("from", first, flush=True)
        costs = epochs(self, first, number, *arguments)
        print("to", first + number, flush=True)
        return costs

    def dying_save(file, **arrays):
        writes.append(file)
        if len(writes) == die_in_write:
            save(file, **arrays)
            file.truncate(file.tell() // 2)
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        save(file, **arrays)

    ClassTraining.run, Trainer.train, np.savez = telling_run, telling_train, dying_save
    if resume:
        augmenter = EELSAugmenter.resume(folder, show_progressbar=False)
    else:
        data, labels = spectra()
        augmenter = EELSAugmenter(
            recipe="paper", architecture="compact", stopping=None, max_epochs=EPOCHS, random_state=0
        )
        augmenter.fit(
            EELSSpectrum(data),
            labels,
            checkpoint_dir=folder,
            checkpoint_every=EVERY,
            show_progressbar=False,
        )
    digest = hashlib.sha256()
    for model in augmenter.generators_.values():
        for weight in model.weights:
            digest.update(weight.tobytes())
    print("writes", len(writes), flush=True)
    print("digest", digest.hexdigest(), flush=True)


def start(folder: str, *arguments: str) -> subprocess.Popen:
    """Begin a training process."""
    command = [sys.executable, __file__, "--train", folder, *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
    )


def first_line(process: subprocess.Popen) -> str:
    """Wait for training to begin."""
    for line in process.stdout:
        if line.startswith("class "):
            return line.strip()
    raise RuntimeError("the training process ended before it began")


def said(process: subprocess.Popen) -> list[str]:
    """What :func:`train` said, without what libraries say."""
    words = ("class ", "from ", "to ", "writes ", "digest ")
    return [line for line in process.stdout.read().splitlines() if line.startswith(words)]


def epochs_done(lines: list[str]) -> dict[str, int]:
    """Epochs that each class had been trained for."""
    done: dict[str, int] = {}
    name = ""
    for line in lines:
        word, value = line.split()
        if word == "class":
            name = value
            done[name] = 0
        elif word == "to":
            done[name] = int(value)
    return done


def epochs_begun(lines: list[str]) -> dict[str, int]:
    """Epoch from which each class was gone on with; all of them where none was."""
    begun: dict[str, int] = {}
    name = ""
    for line in lines:
        word, value = line.split()
        if word == "class":
            name = value
            begun[name] = EPOCHS
        elif word == "from":
            begun[name] = min(begun[name], int(value))
    return begun


def run(number: int, folder: str, random: np.random.Generator, seconds: float, writes: int) -> dict:
    """One training, killed and resumed."""
    in_write = number % 2 == 1
    # Not the very first write: without it there is no training to go on with.
    arguments = ["--die-in-write", str(random.integers(2, writes + 1))] if in_write else []
    process = start(folder, *arguments)
    lines: list[str] = []
    if in_write:
        lines = said(process)
    else:
        # At some epoch and some moment of the next one, however busy the machine is.
        left = int(random.integers(0, 2 * EPOCHS - 5))
        while left:
            lines.append(process.stdout.readline())
            left -= lines[-1].startswith("to ")
            if not lines[-1]:
                break
        time.sleep(random.uniform(0, seconds / (2 * EPOCHS)))
        process.kill()
        lines = [line.strip() for line in lines if line.startswith(("class ", "from ", "to "))]
        lines += said(process)
    killed = process.wait() == -signal.SIGKILL
    before = epochs_done(lines)
    leftovers = [p.name for p in Path(folder).glob(".*.tmp")]
    process = start(folder, "--resume")
    lines = said(process)
    process.wait()
    after = epochs_begun(lines)
    lost = max((before[name] - after[name] for name in before if name in after), default=0)
    return {
        "killed": killed,
        "in_write": in_write,
        "half_written_left": len(leftovers),
        "epochs_before": before,
        "epochs_resumed_from": after,
        "epochs_lost": max(0, lost),
        "digest": lines[-1].split()[1] if lines else "",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).parent / "results" / "survival.json"
    )
    parser.add_argument("--train", help=argparse.SUPPRESS)
    parser.add_argument("--resume", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--die-in-write", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.train:
        train(arguments.train, arguments.resume, arguments.die_in_write)
        return

    random = np.random.default_rng(arguments.seed)
    with tempfile.TemporaryDirectory() as scratch:
        process = start(f"{scratch}/whole")
        first_line(process)
        begin = time.perf_counter()
        lines = said(process)
        seconds = time.perf_counter() - begin
        writes, digest = int(lines[-2].split()[1]), lines[-1].split()[1]
        rows = [
            run(number, f"{scratch}/{number}", random, seconds, writes)
            for number in range(arguments.runs)
        ]
    result = {
        "runs": len(rows),
        "killed": sum(row["killed"] for row in rows),
        "killed_in_a_write": sum(row["in_write"] and row["killed"] for row in rows),
        "same_weights": sum(row["digest"] == digest for row in rows),
        "worst_loss_in_intervals": max(row["epochs_lost"] for row in rows) / EVERY,
        "epochs": EPOCHS,
        "checkpoint_every": EVERY,
        "rows": rows,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=1))


if __name__ == "__main__":
    main()
