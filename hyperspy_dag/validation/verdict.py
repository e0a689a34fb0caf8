# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts: which classes' synthetic spectra can be used, why not, and what helps.

A figure is bad where it is further from that of equally many real spectra than these are from each
other by chance, and by more than matters. What the training spectra show as well, the test spectra
are to blame for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest
from sklearn.svm import SVC

from hyperspy_dag.labels import Label

from ._figures import MEASURES, Figures, Spectra, binned

__all__ = ["LEVELS", "Finding", "Verdict"]

#: From the best to the worst.
LEVELS = ("good", "look at", "do not use")

#: Fewer spectra of a class, for the training or the test, are pointed out, as the fit does.
FEW = 30

#: Spectra of nothing but noise are less alike.
ALIKE = 0.1

#: Beyond this excess a figure says "do not use".
SEVERE = 2.0

#: Share of test spectra that are taken for each other's class where labels count as swapped.
SWAPPED = 0.7

_ADAPT = "`augmenter.adapt(s_test)` adapts the spectra to such conditions."


class Finding(NamedTuple):
    """Something that speaks against the use of synthetic spectra.

    Attributes
    ----------
    level : str
        "look at" or "do not use".
    topic : str
        What it is about: "few", "vacuum", "labels", "copies", "variety", "region", "energy",
        "noise", "realism", "shape" or "classifiers"; a section of the guide's page on reports.
    reason, remedy : str
        What was found, and what helps.

    See Also
    --------
    Verdict : The verdict that findings lead to.

    Examples
    --------
    >>> from hyperspy_dag.validation import Finding
    >>> Finding("look at", "few", "12 training spectra.", "Label 30 or more.").topic
    'few'
    """

    level: str
    topic: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class Verdict:
    """Verdict on the synthetic spectra of a class, or of all classes.

    Attributes
    ----------
    findings : list of Finding
        The leading one first; empty for good spectra.

    See Also
    --------
    Report.verdicts : The verdicts of a report.

    Examples
    --------
    >>> from hyperspy_dag.validation import Finding, Verdict
    >>> finding = Finding("look at", "few", "12 training spectra.", "Label 30 or more.")
    >>> verdict = Verdict([finding])
    >>> verdict.level, verdict.topic, verdict.reason
    ('look at', 'few', '12 training spectra.')
    """

    findings: list[Finding] = field(default_factory=list)

    @property
    def level(self) -> str:
        """The worst level of the findings: "good", "look at" or "do not use"."""
        return max((f.level for f in self.findings), key=LEVELS.index, default=LEVELS[0])

    @property
    def topic(self) -> str:
        """Topic of the leading finding, "good" without any."""
        return self.findings[0].topic if self.findings else LEVELS[0]

    @property
    def reason(self) -> str:
        """Reasons, the leading one first."""
        return " ".join(f.reason for f in self.findings) or (
            "As near to real test spectra as real ones are to each other."
        )

    @property
    def remedy(self) -> str:
        """What helps."""
        said = " ".join(dict.fromkeys(f.remedy for f in self.findings)) or "Use them."
        first, *others = said.split(_ADAPT)
        return f"{first}{_ADAPT if others else ''}{''.join(others)}".replace("  ", " ").strip()


def judge_class(
    figures: Figures, n_training: int, n_test: int, swapped_with: Label | None
) -> Verdict:
    """Return the verdict on a class.

    Parameters
    ----------
    figures : Figures
    n_training, n_test : int
        Numbers of real spectra.
    swapped_with : label or None
        The class that its labels seem to be swapped with.
    """
    found = []
    if figures.alike < ALIKE:
        found.append(
            Finding(
                LEVELS[2],
                "vacuum",
                "The spectra hold nothing but noise: two of them have a correlation of "
                f"{figures.alike:.2f}.",
                "Leave the class out: give these spectra the label -1 (unlabelled). Or sum "
                "neighbouring spectra before `dag_preprocess`, with `s.rebin`.",
            )
        )
    if swapped_with is not None:
        found.append(
            Finding(
                LEVELS[2],
                "labels",
                f"Test spectra of this class look like synthetic ones of {swapped_with}.",
                "Compare `labels_test` with the labels that were given to `fit`: in one of them "
                "the classes are swapped.",
            )
        )
    few = {"training": n_training, "test": n_test}
    few = {name: n for name, n in few.items() if n < FEW}
    scarce = []
    if few:
        what = " and ".join(f"{n} {name}" for name, n in few.items())
        unjudged = "" if "real" in figures.sides else ", too few for a verdict"
        remedy = (
            f"Label {FEW} or more and fit again."
            if "training" in few
            else f"Hold back {FEW} or more spectra of the class for `evaluate`."
        )
        scarce = [Finding(LEVELS[1], "few", f"{what} spectra{unjudged}.", remedy)]
    if found or "real" not in figures.sides:
        return Verdict(found + scarce)
    return Verdict(_bad_figures(figures, scarce))


#: What explains the figures behind it, in this order: a shift lowers the precision, too.
_CAUSES = (
    "copied",
    "region",
    "repeated",
    "uniform",
    "energy_offset",
    "noise_level",
    "energy_scatter",
    "variety",
    "noise_correlation_gap",
    "shape_difference",
)


def _bad_figures(figures: Figures, few: list[Finding]) -> list[Finding]:
    """Findings of the figures, the leading one first; few spectra explain what no cause does."""
    excess = {name: figures.excess(name) for name in figures.reach}
    bad = set(figures.alarms)
    # As bad between training and test spectra: these were measured under other conditions.
    by_test = {name for name in bad - {"copied"} if _seen_in_training(figures, name)}

    def cause(name: str) -> str:
        if name == "shape_difference" and name in by_test:
            return "region"
        if name == "recall":  # real spectra that no synthetic one is near, all near to real ones
            of_part = excess["precision"] < excess[name] / 2
            noise = {"noise_level", "noise_correlation_gap"} & bad
            uniform = of_part and not noise
        else:
            uniform = name == "energy_scatter" and figures.sides["synthetic"][name] < 1
            uniform &= "noise_level" not in bad
        return "uniform" if uniform and name not in by_test else name

    causes = {name: cause(name) for name in bad}
    rank = {name: _CAUSES.index(c) for name, c in causes.items() if c in _CAUSES}
    topics: dict[str, list[str]] = {}
    # Without a cause, what is seen stands for it.
    for name in sorted(rank, key=rank.__getitem__) or [name for name in MEASURES if name in bad]:
        topic = MEASURES[name].topic
        if name in by_test and topic in ("shape", "realism", "variety"):
            topic = "region"
        elif causes[name] == "uniform":
            topic = "variety"
        topics.setdefault(topic, []).append(name)
    found = []
    for topic, names in topics.items():
        level = LEVELS[1 + (max(excess[name] for name in names) > SEVERE)]
        words = _words(topic, names, figures, by_test.issuperset(names))
        found.append(Finding(level, topic, *words))
    return found + few if rank else few + found


def _seen_in_training(figures: Figures, name: str) -> bool:
    return (
        "training" in figures.sides
        and figures.excess(name, "training") > figures.excess(name) / 2
        and figures.excess(name, against="training") < 1
    )


def _words(topic: str, names: list[str], figures: Figures, by_test: bool) -> tuple[str, str]:
    """Reason and remedy of bad figures of a topic."""
    synthetic, real = figures.sides["synthetic"], figures.sides["real"]
    cause = " So are they from the training spectra: the test was measured differently." * by_test
    beside = "; ".join(
        f"{MEASURES[name].name} {synthetic[name]:.2g} (real: {real[name]:.2g})" for name in names
    )
    if topic == "copies":
        return (
            f"{synthetic['copied']:.0%} are copies of training spectra.",
            'Fit again with `training="auto"` and `recipe="refined"`, the defaults.',
        )
    if topic == "region":
        return (
            f"The test spectra differ from the training spectra, as those of another region, "
            f"thickness or day do: {beside}.",
            _ADAPT,
        )
    if topic == "energy":
        offset = synthetic["energy_offset"]
        if "energy_offset" in names:
            return (
                f"The synthetic spectra lie {abs(offset):.2g} eV "
                f"{'above' if offset > 0 else 'below'} the test spectra.{cause}",
                f"Calibrate the energy axes, or draw with `sample(shift={-offset:.2g})`. {_ADAPT}",
            )
        ratio = synthetic["energy_scatter"]
        return (
            f"Their energies scatter {ratio:.2g} times as much as those of the test spectra."
            f"{cause}",
            "Draw with the test's own drift, `sample(energy_jitter=...)` in eV.",
        )
    if topic == "noise":
        ratio = synthetic["noise_level"]
        if "noise_level" in names:
            return (
                f"Their noise is {ratio:.2g} times that of the test spectra"
                + (f" and correlated otherwise: {beside}.{cause}" if names[1:] else f".{cause}"),
                f"Draw at the test's dose, `sample(dose={max(ratio**2, 1e-3):.2g})`. {_ADAPT}",
            )
        return (
            f"Their noise is correlated otherwise between channels: {beside}.{cause}",
            "Prepare training and test spectra alike: smoothing, rebinning and denoising change "
            "the correlation. `dag_preprocess` does the same to both.",
        )
    if topic == "variety":
        much = names == ["variety"] and synthetic["variety"] > 1
        return (
            f"They are {'more' if much else 'less'} varied than the test spectra: {beside}.",
            "Give `fit` labelled spectra of the whole class, from several regions. A class of two "
            "kinds of spectra is better labelled as two.",
        )
    return (
        f"They can be told from the test spectra: {beside}.",
        "Look at the pictures *Spectra* and *Scores*, and give `fit` more labelled spectra. "
        + (
            ""
            if "training" in figures.sides
            else "Give `s_train` and `labels_train`: they tell whether the test spectra are of "
            f"another region. {_ADAPT}"
        ),
    )


def swapped_classes(
    synthetic: Mapping[Label, Spectra], real: Mapping[Label, Spectra]
) -> dict[Label, Label]:
    """Find classes whose names seem to be swapped between synthetic and real spectra.

    Parameters
    ----------
    synthetic, real : mapping of class to array of shape (n, channels)
        All classes of the augmenter; those of the test.

    Returns
    -------
    dict of class to class
        What most real spectra of a class are taken for, of classes that are taken for each other,
        two or more in a circle.
    """
    labels = list(synthetic)
    if len(labels) < 2:
        return {}
    rows = [binned(x) for x in synthetic.values()]
    classifier = SVC().fit(np.concatenate(rows), np.repeat(range(len(rows)), list(map(len, rows))))
    counts = {
        label: np.bincount(classifier.predict(binned(x)), minlength=len(labels))
        for label, x in real.items()
    }
    taken = {label: labels[int(count.argmax())] for label, count in counts.items()}
    found = {}
    for label in taken:
        circle = _circle(label, taken)
        n = sum(int(counts[one].sum()) for one in circle)
        k = sum(int(counts[one].max()) for one in circle)
        # Classes that cannot be told apart are taken for each other half of the time.
        if len(circle) > 1 and k >= SWAPPED * n and binomtest(k, n, 0.5).pvalue < 1e-3:
            found[label] = taken[label]
    return found


def _circle(label: Label, taken: Mapping[Label, Label]) -> list[Label]:
    """Classes that one is taken for, one after the other, if they lead back to it."""
    seen, at = [label], taken[label]
    while at in taken and at not in seen:
        seen.append(at)
        at = taken[at]
    return seen if at == label else []
