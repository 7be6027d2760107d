"""A family for tests that learns nothing: its metrics are of pairs of identities and of clusters by book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from seedbed.config import Config
from seedbed.family import Family, Metric, Role

if TYPE_CHECKING:
    from seedbed.trial import Trial


class Verify(Config):
    """Are two images of one person?"""

    role: Literal["verify"]
    """What the trial is."""

    noise: float = Field(default=0.8, gt=0)
    """How far a person's images lie apart; people differ by 1."""

    people: int = Field(default=12, ge=2)
    """Identities that are tested."""


class Cluster(Config):
    """Who speaks each paragraph of a book?"""

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
    """Make up what a model would say, and log what scikit-learn says of it."""
    import numpy as np

    random = np.random.default_rng([trial.seed, trial.config.role == "verify"])
    names = [
        f"{trial.config.role} {at}" for at in range(getattr(trial.config, "people", 0) or trial.config.books)
    ]
    trial.splits(train=(["t"], ["somebody else"]), test=(names, names))
    made = _verify if trial.config.role == "verify" else _cluster
    units, targets, outputs, metrics = made(trial.config, random, np.array(names))
    trial.predictions("test", np.arange(len(units)), units, targets, outputs)
    trial.log(1, metrics)


def _verify(config: Verify, random: Any, names: Any) -> tuple[Any, ...]:
    """All pairs of three images of each person, as a protocol has them."""
    import numpy as np

    owners = np.repeat(np.arange(config.people), 3)
    images = random.normal(size=(config.people, 8))[owners] + config.noise * random.normal(
        size=(len(owners), 8)
    )
    one, other = np.triu_indices(len(owners), 1)
    kept = owners[one] + owners[other] != 1  # protocols leave pairs out: here those of the first two people
    one, other = one[kept], other[kept]
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
    name="strangers",
    config=Annotated[Verify | Cluster, Field(discriminator="role")],
    run=run,
    roles={"verify": Role(select_by=None, revision=1), "cluster": Role(select_by=None, revision=1)},
    fingerprint=lambda _: "made-up",
    metrics={"eer": Metric("%", "lower"), "ari": Metric(of_unit=adjusted_rand)},
    tiny=({"role": "verify"},),
)
