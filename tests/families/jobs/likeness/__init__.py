"""A family for tests that learns little: its metrics are of pairs of identities and of clusters by book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from seedbed.config import Config
from seedbed.family import Family, Metric, Role

if TYPE_CHECKING:
    from seedbed.trial import Trial


class Verify(Config):
    """Says whether two images are of one person."""

    role: Literal["verify"]
    """What the trial is."""

    noise: float = Field(default=0.8, gt=0)
    """How far a person's images lie apart; people differ by 1."""

    people: int = Field(default=12, ge=2)
    """Identities that are tested."""


class Cluster(Config):
    """Puts together the paragraphs of a book that one person speaks."""

    role: Literal["cluster"]
    """What the trial is."""

    noise: float = Field(default=0.3, ge=0, le=1)
    """The share of paragraphs that are put anywhere."""

    books: int = Field(default=6, ge=2)
    """Books that are tested."""

    starts: int = Field(default=10, ge=1)
    """Seeds of the clusterer."""


def adjusted_rand(speakers: Any, clusters: Any) -> float:
    """Of one book."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(speakers, clusters))


def run(trial: Trial[Any]) -> None:
    """Train a projection a little, make up the rest, and log what scikit-learn says of it."""
    import numpy as np
    import torch

    from seedbed.nets.optimizers import eager

    role, random = trial.config.role, np.random.default_rng(trial.seed)
    names = [f"{role} {at}" for at in range(trial.config.people if role == "verify" else trial.config.books)]
    trial.splits(train=(["t"], ["somebody else"]), test=(names, names))
    model = torch.nn.Linear(8, 8)
    trial.initialise(model)
    noise, optimizer = trial.generator("noise"), eager(torch.optim.SGD)(model.parameters(), lr=0.1)
    state = {"model": model, "optimizer": optimizer, "noise": noise}
    for step in range(trial.resume(state), 4):
        inputs = torch.randn(16, 8, generator=noise)
        optimizer.zero_grad()
        (model(inputs) - inputs).square().mean().backward()
        optimizer.step()
        trial.checkpoint(step + 1, state)
    if role == "verify":
        units, targets, outputs, metrics = _verify(trial.config, random, np.array(names), model)
    else:
        units, targets, outputs, metrics = _cluster(trial.config, random, np.array(names))
    trial.predictions("test", np.arange(len(units)), units, targets, outputs)
    trial.log(4, metrics)


def _verify(config: Verify, random: Any, names: Any, model: Any) -> tuple[Any, ...]:
    """All pairs of three images of each person, as a protocol has them."""
    import numpy as np
    import torch

    owners = np.repeat(np.arange(config.people), 3)
    images = random.normal(size=(config.people, 8))[owners] + config.noise * random.normal(
        size=(len(owners), 8)
    )
    one, other = np.triu_indices(len(owners), 1)
    kept = owners[one] + owners[other] != 1  # protocols leave pairs out: here those of the first two people
    one, other = one[kept], other[kept]
    with torch.no_grad():
        images = model(torch.from_numpy(images).float()).numpy()
    scores = -np.linalg.norm(images[one] - images[other], axis=1).round(1)  # with ties
    genuine = (owners[one] == owners[other]).astype(int)
    pairs = names[np.stack([owners[one], owners[other]], axis=1)]
    return pairs, genuine, scores, {"test/eer": equal_error_rate(genuine, scores)}


def equal_error_rate(genuine: Any, scores: Any, weights: Any = None) -> float:
    """Where scikit-learn's ROC curve meets the other diagonal."""
    import numpy as np
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(genuine, scores, sample_weight=weights, drop_intermediate=False)
    # On the polyline `false + true` rises from 0 to 2, and false positives equal false negatives where it is 1.
    return float(np.interp(1.0, false + true, false))


def _cluster(config: Cluster, random: Any, names: Any) -> tuple[Any, ...]:
    """Forty paragraphs a book, by four speakers."""
    import numpy as np

    books = np.repeat(names, 40)
    speakers = random.integers(4, size=len(books))
    anywhere = random.random((len(books), config.starts)) < config.noise
    clusters = np.where(anywhere, random.integers(4, size=anywhere.shape), (speakers[:, None] + 1) % 4)
    of_each = [
        np.mean([adjusted_rand(speakers[books == book], run) for run in clusters[books == book].T])
        for book in names
    ]
    return books, speakers, clusters, {"test/ari": float(np.mean(of_each))}


family = Family(
    name="likeness",
    config=Annotated[Verify | Cluster, Field(discriminator="role")],
    run=run,
    roles={"verify": Role(select_by=None, revision=1), "cluster": Role(select_by=None, revision=1)},
    fingerprint=lambda _: "made-up",
    metrics={"eer": Metric("%", "lower", ("test",)), "ari": Metric(on=("test",), of_unit=adjusted_rand)},
    tiny=({"role": "verify"}, {"role": "cluster"}),
)
