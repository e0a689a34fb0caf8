# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast the package trains and samples, as ratios to peers that do the same work.

    python benchmarks/speed.py
    python benchmarks/speed.py --only time_to_fidelity

The peers (`benchmarks/peers/`): plain Keras, and a floor of matrix products and memory traffic.
All are processes that stay, and take turns epoch by epoch, so that a machine that slows down does
so for all; figures are medians. With one thread all share one core, and times are the processes'
own (on a busy machine the wall's would be of the others' work as well). Written to
``benchmarks/results/`` as JSON and Markdown.

The paper's recipe on `simple_dense` and `single_bitrans` with 128 synthetic spectra, in batches of
32, is the work of all but ``time_to_fidelity``, which is the default settings on 100 real spectra,
in fresh processes, from the first import to a sampled stack.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

from peers.work import Work, as_json

from hyperspy_dag.dag.architectures import ARCHITECTURES
from hyperspy_dag.dag.published_training import MAX_SHIFT
from hyperspy_dag.dag.recipes import RECIPES

FOLDER = Path(__file__).resolve().parent
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
SAMPLED = 2048
#: What makes a fresh process print: seconds by the wall's clock and by its own, Fréchet distance,
#: epoch of the generator.
FIDELITY = """
import time
begin = time.perf_counter()
import warnings; warnings.simplefilter("ignore")
import numpy as np, hyperspy.api as hs
from hyperspy_dag import EELSAugmenter
s = hs.load({path!r})
seed, channels = {seed}, {channels}
order = np.random.default_rng(seed).permutation(len(s.data))
if channels != s.data.shape[1]:
    x = np.linspace(0, s.data.shape[1] - 1, channels)
    data = np.array([np.interp(x, np.arange(s.data.shape[1]), row) for row in s.data])
    s = hs.signals.Signal1D(data / data.max(axis=1, keepdims=True)); s.set_signal_type("EELS")
labels = np.full(len(s.data), -1); labels[order[:100]] = 0
augmenter = EELSAugmenter(random_state=seed)
augmenter.fit(s, labels, show_progressbar=False)
synthetic = augmenter.sample(len(order) - 100).data[0]
seconds, own_seconds = time.perf_counter() - begin, time.process_time()
from hyperspy_dag.metrics import frechet_distance
real, train = s.data[order[100:]].astype(float), s.data[order[:100]].astype(float)
distance = frechet_distance(real, synthetic.astype(float))
print(seconds, own_seconds, distance, augmenter.best_[0].epoch)
"""


def work_of(channels: int) -> Work:
    """The paper's recipe on `simple_dense` at a number of channels, 128 spectra."""
    recipe = RECIPES["paper"]
    architecture = ARCHITECTURES["simple_dense"].under(recipe)
    table = architecture.generator

    def width(fraction: float, of: int) -> int:
        return max(4, round(fraction * of))

    branch = width(1 / table.branches, channels)
    return Work(
        channels=channels,
        spectra=128,
        batch=recipe.batch_size,
        latent=architecture.latent_size,
        branches=table.branches,
        branch_widths=[
            architecture.latent_size,
            *(width(f, branch) for f in table.layers),
            branch,
        ],
        discriminator_widths=[
            [width(f, channels) for f in (*b.layers, *b.layers_after)]
            for b in architecture.discriminator
        ],
        minibatch=[(b.kernels, b.dims) for b in architecture.discriminator],
        slope=architecture.leaky_slope,
        dropout=architecture.discriminator[0].dropout,
        poisson=0.5,
        last_poisson=0.15,
        gaussian=0.15,
        translation=table.max_shift(channels),
        max_shift=MAX_SHIFT,
        max_noise=recipe.max_noise,
        real_label=recipe.real_label,
        generator_rate=recipe.generator_rate,
        discriminator_rate=recipe.discriminator_rate,
    )


def environment(one_thread: bool) -> dict[str, str]:
    """Of a process with one thread, or with as many as its libraries choose."""
    kept = {k: v for k, v in os.environ.items() if k not in THREAD_VARIABLES}
    kept["PYTHONPATH"] = os.pathsep.join([str(FOLDER.parent), kept.get("PYTHONPATH", "")])
    kept["TF_CPP_MIN_LOG_LEVEL"] = "3"
    return kept | (dict.fromkeys(THREAD_VARIABLES, "1") if one_thread else {})


def pinning(one_thread: bool) -> list[str]:
    """One core for all, so that thread pools which ask the machine are of one thread too."""
    return ["taskset", "-c", str(max(os.sched_getaffinity(0)))] if one_thread else []


class Peer:
    """A process that does the work when it is told to."""

    def __init__(self, script: str, work: Work, one_thread: bool):
        self._process = subprocess.Popen(
            [
                *pinning(one_thread),
                sys.executable,
                str(FOLDER / "peers" / script),
                as_json(work),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(one_thread),
        )
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._process.communicate()[1].strip().splitlines()[-1])
        hello = json.loads(line)
        self.name, self.parameters = hello["name"], hello["parameters"]

    def do(self, deed: str, number: int = 1) -> float:
        """Seconds that it took."""
        self._process.stdin.write(f"{deed} {number}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """Close its input, on which it ends."""
        self._process.communicate()


def throughput(channels: int, one_thread: bool, repeats: int) -> dict:
    """Epochs and samples of all peers in turn."""
    work = work_of(channels)
    scripts = {"package": "package.py", "keras": "plain_keras.py", "floor": "floor.py"}
    peers = {name: Peer(script, work, one_thread) for name, script in scripts.items()}
    result: dict = {"channels": channels, "threads": 1 if one_thread else "all"}
    counts = {name: peer.parameters for name, peer in peers.items()}
    if any(count != counts["package"] for count in counts.values()):
        raise RuntimeError(f"the peers' networks are not the same: {counts}")
    result["versions"] = {name: peer.name for name, peer in peers.items()}
    result["parameters"] = counts["package"]
    result["first_epoch"] = {name: peer.do("train") for name, peer in peers.items()}
    for name in ("package", "keras"):
        peers[name].do("sample", SAMPLED)
        peers[name].do("evaluate")
    times: dict[str, list[float]] = {}
    for _ in range(repeats):
        for name, peer in peers.items():
            times.setdefault(f"train {name}", []).append(peer.do("train"))
        times.setdefault("traffic", []).append(peers["floor"].do("traffic"))
        for name in ("package", "keras"):
            times.setdefault(f"evaluate {name}", []).append(peers[name].do("evaluate"))
        for name in ("package", "keras", "floor"):
            times.setdefault(f"sample {name}", []).append(peers[name].do("sample", SAMPLED))
    for peer in peers.values():
        peer.end()
    medians = {name: statistics.median(values) for name, values in times.items()}
    # 28 bytes for each parameter and step; 24 of them were measured.
    floor = medians["train floor"] + 28 / 24 * medians["traffic"]
    ours, evaluation = medians["train package"], medians["evaluate package"]
    plain = medians["train keras"] + medians["evaluate keras"]
    result["seconds"] = medians | {"floor": floor}
    result["all_seconds"] = times
    result["figures"] = {
        "keras / package, training": medians["train keras"] / ours,
        "keras / package, with evaluation": plain / (ours + evaluation),
        "floor / package": floor / ours,
        "evaluation / training": evaluation / ours,
        "first epoch, s": result["first_epoch"]["package"],
        "predict / sampling": medians["sample keras"] / medians["sample package"],
        "GEMM bound / sampling": medians["sample floor"] / medians["sample package"],
    }
    return result


def time_to_fidelity(channels: int, one_thread: bool, repeats: int) -> dict:
    """Seconds of fresh processes with default settings, and how good the spectra are."""
    from judge import DATA_FILE, data_folder

    rows = []
    for seed in range(repeats):
        code = FIDELITY.format(path=str(data_folder() / DATA_FILE), seed=seed, channels=channels)
        answer = subprocess.run(
            [*pinning(one_thread), sys.executable, "-c", code],
            env=environment(one_thread),
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()[-1]
        rows.append([float(number) for number in answer.split()])
    seconds, own_seconds, distances, epochs = zip(*rows, strict=True)
    return {
        "channels": channels,
        "threads": 1 if one_thread else "all",
        "all_seconds": seconds,
        "all_own_seconds": own_seconds,
        "all_distances": distances,
        "epochs": epochs,
        "figures": {
            "seconds": statistics.median(seconds),
            "processor seconds": statistics.median(own_seconds),
            "frechet": statistics.median(distances),
        },
    }


def table(results: dict) -> str:
    """All figures as Markdown."""
    lines = []
    for name, rows in results["results"].items():
        columns = list(rows[0]["figures"])
        lines += ["", f"## {name.replace('_', ' ')}", ""]
        lines.append("| channels | threads | " + " | ".join(columns) + " |")
        lines.append("|---" * (2 + len(columns)) + "|")
        for row in rows:
            cells = [f"{row['figures'][c]:.3g}" for c in columns]
            lines.append(f"| {row['channels']} | {row['threads']} | " + " | ".join(cells) + " |")
        for row in rows:
            if "seconds" in row:
                epochs = ", ".join(
                    f"{key.removeprefix('train ')} {1e3 * value:.0f}"
                    for key, value in row["seconds"].items()
                    if key.startswith("train ") and key != "train floor" or key == "floor"
                )
                lines += [
                    "",
                    f"{row['channels']} channels, {row['threads']}: ms an epoch: {epochs}.",
                ]
    load = " to ".join(f"{results[when][0]:.1f}" for when in ("load_before", "load_after"))
    head = f"# Speed, {results['machine']}\n\n{results['date']}; load average {load}.\n"
    return head + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--fidelity-repeats", type=int, default=5)
    parser.add_argument("--channels", type=int, nargs="+", default=[700, 2048])
    parser.add_argument("--threads", choices=["1", "all"], nargs="+", default=["1", "all"])
    parser.add_argument("--only", choices=["throughput", "time_to_fidelity"])
    parser.add_argument("--output", type=Path, default=FOLDER / "results")
    arguments = parser.parse_args()
    if arguments.repeats < 5:
        parser.error("--repeats must be at least 5: the figures are medians")

    settings = [(n, t == "1") for t in arguments.threads for n in arguments.channels]
    name = f"speed_{arguments.only}" if arguments.only else "speed"
    results: dict = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "date": time.strftime("%Y-%m-%d"),
        "load_before": os.getloadavg(),
        "results": {},
    }
    if arguments.only != "time_to_fidelity":
        results["results"]["throughput"] = [
            throughput(*setting, arguments.repeats) for setting in settings
        ]
    if arguments.only != "throughput":
        results["results"]["time_to_fidelity"] = [
            time_to_fidelity(*setting, arguments.fidelity_repeats) for setting in settings
        ]
    results["load_after"] = os.getloadavg()
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    (arguments.output / f"{name}.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
