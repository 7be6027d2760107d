"""Pictures over the trials of a stage: what each setting does, what a network costs, where it puts the classes."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from jobs.har_prototypes.config import Network, Training
from jobs.har_prototypes.datasets import load_windows
from jobs.har_prototypes.effects import Screen, screen
from seedbed.config import read_config
from seedbed.readers.windows import Windows
from seedbed.results import Result
from seedbed.tables.wording import label, place

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from seedbed.collect import StageTables

Columns = Mapping[str, Sequence[Any]]
Arrays = Mapping[str, NDArray[Any]]

MOST_POINTS: Final = 500
"""Windows in a panel: it takes seconds, and every report draws it. The study shows up to 2000."""

MEASURED: Final = "measured while this page was made"
"""What stands beside a latency: it is no result of the trials."""


class Files(Protocol):
    """What trials left."""

    def read(self, result: Result, name: str) -> bytes | None:
        """A file of a trial; None when it left none."""


def effects(stage: StageTables, files: Files) -> tuple[Figure | None, Columns]:
    """The main effect of each setting on test F1, in points, where a stage is a two-level screen."""
    found = screen(
        [
            (results[0].config, {result.seed: 100 * result.metrics["test/f1@best"] for result in results})
            for results in points(stage).values()
        ]
    )
    if found is None:
        return None, {}
    return _effects_figure(found), {
        "setting": [effect.setting for effect in found.effects],
        "from": [label(effect.first) for effect in found.effects],
        "to": [label(effect.second) for effect in found.effects],
        "effect (points)": [round(effect.mean, 1) for effect in found.effects],
        "standard error": [round(effect.error, 1) for effect in found.effects],
        "mixed with": [", ".join(effect.mixed) or "none of two" for effect in found.effects],
    }


def _effects_figure(found: Screen) -> Figure:
    figure, (ax,) = _canvas(1, width=7.0, height=1.6 + 0.35 * len(found.effects))
    named = [f"{one.setting}: {label(one.first)} → {label(one.second)}" for one in found.effects]
    ax.errorbar(
        [effect.mean for effect in found.effects],
        range(len(named)),
        xerr=[effect.half for effect in found.effects],
        fmt="o",
        capsize=3,
    )
    ax.axvline(0, color="k", linewidth=0.8)
    ax.set(
        yticks=range(len(named)), yticklabels=named, xlabel="main effect on test F1 (points), 95% interval"
    )
    ax.invert_yaxis()
    said = f"{found.aliasing} {found.seeds} seeds each; spread pooled, {found.df} df."
    figure.suptitle(textwrap.fill(said, 90), fontsize=8)
    return figure


def cost(stage: StageTables, files: Files) -> tuple[Figure | None, Columns]:
    """F1 over the time of one window on this machine, with parameters and operations, for each point.

    The time is taken here and now, for all points on one machine: it differs from run to run, and so is no metric.
    """
    from jobs.har_prototypes.cost import latency_ms
    from jobs.har_prototypes.models import build_network

    sets: dict[str, Windows] = {}
    rows = []
    for name, results in points(stage).items():
        config = _config(results[0])
        windows = sets[config.data] = sets.get(config.data) or load_windows(config.data)
        channels, samples = windows.signals.shape[1:]
        took = latency_ms(build_network(config, channels, len(windows.classes)), channels, samples)
        size = [results[0].metrics[f"model/{figure}@best"] for figure in ("params", "flops")]
        f1 = 100 * fmean(result.metrics["test/f1@best"] for result in results)
        rows.append((name, round(f1, 1), *map(int, size), round(took, 2)))
    if not rows:
        return None, {}
    names, reached, params, flops, milliseconds = zip(*rows, strict=True)
    figure, axes = _canvas(1)
    axes[0].scatter(milliseconds, reached)
    for name, x, y in zip(names, milliseconds, reached, strict=True):
        axes[0].annotate(name, (x, y), textcoords="offset points", xytext=(4, 4), fontsize=8)
    axes[0].set(xlabel=f"ms for one window, one thread\n{MEASURED}", ylabel="test F1 at the best epoch (%)")
    return figure, {
        "point": names,
        "test F1 (%)": reached,
        "parameters": params,
        "FLOPs": flops,
        f"ms, {MEASURED}": milliseconds,
    }


def features(stage: StageTables, files: Files) -> tuple[Figure | None, Columns]:
    """t-SNE of test windows before and after batch normalisation in the projection, beside that of the signals.

    Shown where points of a stage differ in it, as the study's seventh step does: the first trial with each. Perplexity
    min(30, M - 1), begun by PCA, 2000 steps, random state 42, as in the study. Prototypes (stars) stand with the
    features where they have their width.
    """
    first: dict[str, tuple[str, Result]] = {}
    for name, results in points(stage).items():
        contrast = results[0].config.get("contrast")
        if contrast:
            first.setdefault(contrast["projection"], (name, results[0]))
    panels: list[tuple[str, Arrays]] = []
    for name, result in first.values() if len(first) > 1 else ():
        kept = files.read(result, "artifacts/features.npz")
        if kept is None:
            continue
        arrays = _arrays(kept)
        if not panels:
            panels.append(("signals", {"features": _signals(result, arrays), "labels": arrays["labels"]}))
        panels.append((f"{name} · seed {result.seed}", arrays))
    if not panels:
        return None, {}
    figure, axes = _canvas(len(panels))
    rows: list[tuple[str, float, float, int]] = []
    for (name, arrays), ax in zip(panels, axes, strict=True):
        placed, stars = embedded(arrays)
        ax.scatter(placed[:, 0], placed[:, 1], c=arrays["labels"], s=6, cmap="tab10", vmin=0, vmax=9)
        colours = np.arange(len(stars))
        ax.scatter(
            stars[:, 0],
            stars[:, 1],
            c=colours,
            s=120,
            marker="*",
            edgecolors="k",
            cmap="tab10",
            vmin=0,
            vmax=9,
        )
        ax.set(title=name, xticks=[], yticks=[])
        rows += [
            (name, float(x), float(y), int(label))
            for (x, y), label in zip(placed, arrays["labels"], strict=True)
        ]
    return figure, dict(zip(("panel", "x", "y", "class"), zip(*rows, strict=True), strict=True))


def embedded(arrays: Arrays) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features (M, D) in the plane (M, 2), and the prototypes among them (P, 2); none of another width."""
    from sklearn.manifold import TSNE

    found = arrays["features"].astype(np.float64)
    stars = arrays.get("prototypes", np.empty((0, found.shape[1])))
    if stars.shape[1] != found.shape[1]:
        stars = np.empty((0, found.shape[1]))
    # Only the directions of prototypes count: they stand as far out as the features do.
    both = np.concatenate([found, stars * np.linalg.norm(found, axis=1).mean()])
    plane = TSNE(
        perplexity=min(30, len(both) - 1), init="pca", learning_rate="auto", max_iter=2000, random_state=42
    ).fit_transform(both)
    return plane[: len(found)], plane[len(found) :]


def points(stage: StageTables) -> dict[str, list[Result]]:
    """The finished trials of each point of the stage, by where it stands in its record, seeds ascending.

    A trial that another stage made first knows only its place there.
    """
    found: dict[str, list[Result]] = {}
    for trial in sorted(stage.record.trials, key=lambda trial: trial.seed):
        result = stage.states[trial.id].result
        if result is not None and result.status == "finished":
            found.setdefault(place(trial.axes) or stage.record.stage, []).append(result)
    return found


def _config(result: Result) -> Training:
    config = read_config(Network, result.config)
    if not isinstance(config, Training):
        raise TypeError(f"trial {result.trial}: not a config of this family")
    return config


def _arrays(kept: bytes) -> Arrays:
    with np.load(io.BytesIO(kept), allow_pickle=False) as stored:
        arrays = dict(stored)
    count = len(arrays["labels"])
    shown = np.arange(min(count, MOST_POINTS)) * count // min(count, MOST_POINTS)
    return {name: values if name == "prototypes" else values[shown] for name, values in arrays.items()}


def _signals(result: Result, arrays: Arrays) -> NDArray[np.float32]:
    """The signals of the windows whose features were kept, (M, C · T)."""
    windows = load_windows(_config(result).data)
    place = {name: index for index, name in enumerate(windows.ids.tolist())}
    chosen = windows.signals[[place[name] for name in arrays["ids"].tolist()]]
    return chosen.reshape(len(chosen), -1)


def _canvas(panels: int, width: float = 4.5, height: float = 4.0) -> tuple[Figure, Sequence[Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * panels, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(1, panels, 1 + index) for index in range(panels)]
