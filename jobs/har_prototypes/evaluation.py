"""What a trial says about its data before training, about its predictions after each epoch, and leaves at its end."""

from __future__ import annotations

import copy
import csv
import io
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from jobs.har_prototypes.data import PARTS, Data, Indices
from jobs.har_prototypes.models import Network, PrototypeNetwork
from seedbed.trial import Trial
from seedbed.units import in_order

BATCH: Final = 256
"""Windows in a batch where no gradient is needed."""
MOST_POINTS: Final = 2000
"""Test windows whose features are kept for pictures; the study shows as many."""


def scores(logits: Tensor, labels: Indices) -> dict[str, float]:
    """Cross-entropy, accuracy, F1 weighted by the classes' frequencies (the study's) and macro F1 (a mean)."""
    loss = functional.cross_entropy(logits, torch.from_numpy(labels)).item()
    return {"loss": loss, **guess_scores(logits.argmax(1).numpy(), labels)}


def guess_scores(guesses: Indices, labels: Indices) -> dict[str, float]:
    """What guesses (N,) of labels (N,) reach; a class that is neither there nor guessed does not count."""
    from sklearn.metrics import f1_score

    return {
        "accuracy": float(np.mean(guesses == labels)),
        "f1": float(f1_score(labels, guesses, average="weighted", zero_division=0)),
        "macro_f1": float(f1_score(labels, guesses, average="macro", zero_division=0)),
    }


def predict(model: Network, data: Data, indices: Indices, device: torch.device) -> tuple[Tensor, Tensor]:
    """Logits (N, classes) and the head's inputs (N, dim), in evaluation mode, on the CPU."""
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        outputs = [model(torch.from_numpy(batch).to(device)) for batch in data.batches(indices, BATCH)]
    model.train(was_training)
    logits, features = (
        torch.cat([getattr(one, name).float().cpu() for one in outputs]) for name in ("logits", "features")
    )
    return logits, features


def introduce(trial: Trial[Any], data: Data) -> None:
    """Tell what the trial is about: its data, its split, and what trivial guesses reach."""
    windows, parts, units = data.windows, data.split.parts, data.split.units
    trial.splits(**{name: (windows.ids[parts[name]], units[parts[name]]) for name in PARTS})
    test = parts["test"]
    for name, guesses in trivial_guesses(data).items():
        reached = guess_scores(guesses, data.labels(test))
        trial.baseline(name, {f"test/{metric}": value for metric, value in reached.items()})
    tested = f"{len(test)} windows"
    if trial.config.protocol == "merged":
        tested = f"{tested} of persons that are trained on too"
    else:
        tested = f"test subjects {', '.join(in_order(windows.units[test]))} ({tested})"
    if trial.config.protocol == "notes":
        tested += ", validated on windows that overlap training windows"
    trial.describe(f"{windows.name}, {tested}")


def trivial_guesses(data: Data) -> dict[str, Indices]:
    """What the test windows are guessed to be: the commonest class; the nearest class mean.

    The latter of each channel's mean and deviation over the window, standardised on the training windows: what can
    be had without learning anything about the course of a signal.
    """
    test, labels = data.split.parts["test"], data.labels(data.train)
    commonest = np.bincount(labels, minlength=data.classes).argmax()
    summary = np.concatenate([data.inputs.mean(2), data.inputs.std(2)], axis=1, dtype=np.float64)
    known = summary[data.train]
    spread = known.std(0)
    summary = (summary - known.mean(0)) / np.where(spread > 0, spread, 1)
    means = np.stack([summary[data.train][labels == label].mean(0) for label in range(data.classes)])
    apart = np.square(summary[test][:, None] - means).sum(2)
    return {"majority": np.full(len(test), commonest), "nearest class mean": apart.argmin(1)}


def leave(trial: Trial[Any], model: Network, data: Data) -> None:
    """Keep what pictures are made from, of the best step: features of test windows, prototypes, a table by class."""
    best = copy.deepcopy(model)
    best.load_state_dict(trial.record.best_weights)
    test = data.split.parts["test"]
    logits, features = predict(best, data, test, trial.device)
    labels = data.labels(test)
    trial.keep("classes.csv", by_class(logits.argmax(1).numpy(), labels, data.windows.classes))
    shown = np.arange(min(len(test), MOST_POINTS)) * len(test) // min(len(test), MOST_POINTS)
    kept: dict[str, NDArray[Any]] = {
        "features": features.numpy()[shown].astype(np.float16),
        "labels": labels[shown],
        "units": data.split.units[test][shown],
        "ids": data.windows.ids[test][shown],
    }
    if isinstance(best, PrototypeNetwork):
        kept["prototypes"] = best.prototypes().detach().cpu().numpy()
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **kept)
    trial.keep("features.npz", buffer.getvalue())


def by_class(guesses: Indices, labels: Indices, classes: tuple[str, ...]) -> bytes:
    """A CSV with a row for each class: windows, precision, recall, F1, and how many were taken for which class."""
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    known = range(len(classes))
    columns = precision_recall_fscore_support(labels, guesses, labels=list(known), zero_division=0)
    taken = confusion_matrix(labels, guesses, labels=list(known))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["class", "windows", "precision", "recall", "f1", *(f"taken for {name}" for name in classes)]
    )
    for index, name in enumerate(classes):
        precision, recall, f1, count = (column[index] for column in columns)
        figures = [f"{value:.6f}" for value in (precision, recall, f1)]
        writer.writerow([name, count, *figures, *taken[index]])
    return text.getvalue().encode()
