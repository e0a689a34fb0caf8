# SPDX-License-Identifier: GPL-3.0-or-later
"""The README: its examples run as they stand, its figures are those of the benchmarks."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
GAN = (ROOT / "docs" / "user_guide" / "when_does_a_gan_help.md").read_text(encoding="utf-8")
RESULTS = ROOT / "benchmarks" / "results"
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)

#: A figure of a measurement: a percentage, or a number with two digits after the point.
FIGURE = re.compile(r"\d+(?:\.\d+)? %|\b0\.\d\d\b(?! eV)")
COMMAND = re.compile(r"benchmarks/(\w+)\.py")


def rows(text: str) -> dict[str, list[float]]:
    """Numbers of the rows of Markdown tables, by their first cell."""
    found = {}
    for line in text.splitlines():
        name, *cells = (cell.strip(" *") for cell in line.strip("|").split("|"))
        if line.startswith("|") and all(re.fullmatch(r"-?[\d.]+", cell) for cell in cells):
            found[name] = [float(cell) for cell in cells]
    return found


def section(text: str, heading: str) -> str:
    """Text below a heading, as far as the next."""
    return text[text.index(heading) :].split("\n## ")[0]


@pytest.mark.slow
def test_examples_run_as_they_stand(run_python, tmp_path) -> None:
    np.savetxt(tmp_path / "labels.csv", np.full((20, 30), "MnO"), fmt="%s", delimiter=",")
    pytorch = [block for block in BLOCKS if "import torch" in block]
    code = "\n".join(block for block in BLOCKS if block not in pytorch)
    shown = run_python(
        f"{code}\nprint(right := (phases.labels == np.array("
        "['MnO', 'Mn2O3', 'MnO2'])[grains]).mean(), X.shape, y.shape)\nassert right > 0.9"
    )
    assert "(1500, 700) (1500,)" in shown.stdout
    assert not re.search("tensorflow|numba|umap|Warning", shown.stdout + shown.stderr)
    assert len(pytorch) == 1


@pytest.mark.slow
def test_the_quick_start_runs_as_it_stands(run_python, tmp_path) -> None:
    text = (ROOT / "docs" / "getting_started" / "quick_start.md").read_text(encoding="utf-8")
    *blocks, table = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    labels = ["phase", *np.repeat(["Mn2O3", "MnO", ""], 100)]
    (tmp_path / "labels.csv").write_text("\n".join(labels) + "\n", encoding="utf-8")
    shown = run_python("\n".join(blocks))
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert (tmp_path / "augmented.hspy").exists()
    assert not re.search("tensorflow|numba|umap|Warning", shown.stdout + shown.stderr)
    first = "\n".join(blocks[:2])
    run_python(f"{first}\n{table}\nassert aug.data.shape[0] == 2, aug")


def test_pytorch_takes_the_arrays() -> None:
    torch = pytest.importorskip("torch")
    (block,) = (block for block in BLOCKS if "import torch" in block)
    given = {"np": np, "torch": torch, "y": np.array(["b", "a"] * 80)}
    given["X"] = np.ones((160, 7), dtype=np.float32)
    exec(block, given)
    spectra, numbers = next(iter(given["loader"]))
    assert spectra.shape == (64, 7) and set(numbers.tolist()) == {0, 1}


def test_every_figure_has_its_command() -> None:
    text = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    parts = text.split("\n\n")
    for i, part in enumerate(parts):
        if FIGURE.search(part):
            near = "\n".join(parts[max(i - 1, 0) : i + 1])
            assert COMMAND.search(near) or "make demo" in near, part


def test_every_command_has_its_results() -> None:
    for name in set(COMMAND.findall(README)):
        assert (ROOT / "benchmarks" / f"{name}.py").exists()
        kept = [*RESULTS.glob(f"{name}*"), *RESULTS.glob(f"{name}/*")]
        assert kept or name in ("next_map",), name


def test_figures_of_measured_spectra_are_those_measured() -> None:
    shown = rows(section(README, "## How good"))
    text = (RESULTS / "mn2_659_refined_auto_100_12_seeds_8_draws.md").read_text(encoding="utf-8")
    head = [cell.strip() for cell in text.splitlines()[2].strip("|").split("|")][1:]
    columns = ["frechet", "precision", "recall", "density", "coverage"]
    measured = {}
    for line in text.splitlines()[4:]:
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        if len(cells) == len(head):
            measured[name] = [float(cells[head.index(column)]) for column in columns]
    for name, asked in {
        "default settings: the statistical model, no DAG kept": "median",
        "PCA + Gaussian mixture with each spectrum's dose": "pca_mixture_dose",
        "PCA kernel density with dose": "pca_density_dose",
        "PCA + one Gaussian with dose": "pca_gaussian_dose",
        "added noise (the conventional way)": "noise",
        "SMOTE (interpolates between two spectra: copies)": "smote",
    }.items():
        np.testing.assert_allclose(shown[name], measured[asked], atol=0.0051)


def test_figures_of_other_conditions_are_those_measured() -> None:
    shown = rows(section(README, "## How good"))
    guide = rows((ROOT / "docs/user_guide/other_conditions.md").read_text(encoding="utf-8"))
    text = (RESULTS / "other_conditions.md").read_text(encoding="utf-8")
    measured = [rows(section(text, f"## {name}")) for name in ("Dose 1/4", "Dose 1/10", "Drift")]
    for name, asked in {
        "the labelled spectra": "the labelled spectra",
        "the same with white noise that scatters as the new spectra do before the edge": (
            "white noise, scatter matched"
        ),
        "their counts thinned, or the spectra shifted": "counts thinned, spectra shifted",
        "counts thinned with the detector's own noise, for those who know its gain and point "
        "spread": "counts thinned, detector known",
        "synthetic spectra for the new condition, background subtracted last": (
            "the same, background subtracted last"
        ),
        "150 labelled spectra of the new condition": "labelled all over again",
    }.items():
        expected = [one[asked][-1] for one in measured]
        np.testing.assert_allclose(shown[name], expected, atol=0.51)
        np.testing.assert_allclose(guide[name], expected, atol=0.51)


def test_figures_of_the_first_example_are_those_measured() -> None:
    found = json.loads((RESULTS / "first_map.json").read_text(encoding="utf-8"))
    text = section(README, "## Label one map")
    for share in found["right"].values():
        assert f"{100 * share:.0f} %" in text
    assert found["stray lines"] == []
    took = [found[f"{name}_seconds"] for name in ("install", "example")]
    assert sum(one["clock"] for one in took) <= 300


def test_every_fit_of_labelled_spectra_kept_its_start() -> None:
    fits = [json.loads(line) for name in ("oxides", "how_many") for line in kept_lines(name)]
    kept = [
        one["epoch_kept"]
        for fit in fits
        for one in (fit.get("resources") or {}).values()
        if fit["cell"]["method"]["recipe"] == "refined"
    ]
    for path in RESULTS.glob("mn2_659_refined*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))
        kept += [one["epoch"] for name, one in found.items() if re.fullmatch(r"seed \d+", name)]
    assert len(kept) == 240 and not any(kept)
    assert "in all 240 fits" in README and "240 of 240 fits" in GAN


def kept_lines(name: str) -> list[str]:
    """Lines of the results of a benchmark."""
    return (RESULTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()


def test_figures_of_the_page_on_gans_are_those_measured() -> None:
    shown = list(rows(section(GAN, "## Labelled spectra alone")).values())
    text = (RESULTS / "two_sample.md").read_text(encoding="utf-8")
    measured = [[cells[2], cells[5]] for cells in rows(text).values()]
    np.testing.assert_allclose(shown, measured, atol=0.0051)
    text = (RESULTS / "adapt" / "training.md").read_text(encoding="utf-8")
    head, *lines = (line for line in text.splitlines() if line.startswith("| "))
    names = [cell.strip() for cell in head.strip("|").split("|")]
    designs, trained = [i for i, name in enumerate(names) if "trans" in name], 0
    for line in lines:
        cells = [cell.split("(")[0].strip() for cell in line.strip("|").split("|")]
        if len(cells) == len(names) and "–" not in cells:
            fitted = float(cells[names.index("adapted")])
            assert all(abs(float(cells[i]) - fitted) <= 0.03 for i in designs)
            trained += 1
    assert trained > 9
