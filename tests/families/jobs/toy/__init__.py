"""A family for tests: a linear model with dropout on made-up points; milliseconds a trial."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from seedbed.config import Config
from seedbed.family import ANYWHERE, Family, Metric, Role

if TYPE_CHECKING:
    from seedbed.trial import Trial


class Free(Config):
    """Weights as they come."""

    kind: Literal["free"] = "free"
    """Which penalty."""


class Ridge(Config):
    """Large weights cost."""

    kind: Literal["ridge"]
    """Which penalty."""

    strength: float = Field(default=0.1, gt=0)
    """How much they cost."""


class Leader(Config):
    """A trial that stands alone."""

    role: Literal["leader"]
    """What the trial is."""

    width: int = Field(default=4, ge=1)
    """Features."""

    rate: float = Field(default=0.01, gt=0)
    """Step size."""

    steps: int = Field(default=12, ge=1)
    """Steps."""

    mishap: str = "none"
    """What goes wrong: nan, bug, or `kill:FILE`, which kills the worker as long as FILE is not there."""

    pause: float = Field(default=0, ge=0)
    """Seconds that each step takes."""

    fold: int = Field(default=3, ge=0, le=3)
    """Which of the four units is tested."""

    batch: int = Field(default=16, ge=1)
    """Points a step."""

    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Momentum of the steps."""

    penalty: Annotated[Free | Ridge, Field(discriminator="kind")] = Free()
    """What weights cost."""


class Follower(Config):
    """A trial that starts from a leader's weights."""

    role: Literal["follower"]
    """What the trial is."""

    rate: float = Field(default=0.01, gt=0)
    """Step size."""

    fold: int = Field(default=3, ge=0, le=3)
    """Which of the four units is tested."""


def units(config: Any) -> dict[str, frozenset[str]]:
    """The unit of the fold is tested, the one before it validates."""
    names = "abcd"
    test, validation = names[config.fold], names[config.fold - 1]
    rest = frozenset(names) - {test, validation}
    return {"train": rest, "validation": frozenset(validation), "test": frozenset(test)}


def run(trial: Trial[Any]) -> None:
    """Train, with everything that a checkpoint has to carry: momentum, dropout, order, a running sum."""
    import torch
    from torch import nn

    from seedbed.nets.optimizers import eager

    config = trial.config
    leader: Any = trial.inputs["leader"][0].config if "leader" in trial.inputs else config
    width = leader.width
    steps = getattr(config, "steps", 12)
    model = nn.Sequential(nn.Linear(width, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    trial.initialise(model)
    if "leader" in trial.inputs:
        leaders = [one.weights() for one in trial.inputs["leader"]]
        model.load_state_dict(
            {name: torch.stack([one[name] for one in leaders]).mean(0) for name in leaders[0]}
        )
    trial.splits(**{name: (sorted(members), sorted(members)) for name, members in units(config).items()})
    trial.baseline("nothing", {"test/loss": 1.0})
    trial.describe("made-up points")
    momentum = getattr(config, "momentum", 0.9)
    optimizer = eager(torch.optim.SGD)(model.parameters(), lr=config.rate, momentum=momentum)
    noise = trial.generator("noise")
    running = {"sum": 0.0}
    state = {"model": model, "optimizer": optimizer, "noise": noise, "running": running}
    trial.total_steps = steps
    for step in range(trial.resume(state), steps):
        _mishap(getattr(config, "mishap", "none"), step)
        time.sleep(getattr(config, "pause", 0))
        inputs = torch.randn(getattr(config, "batch", 16), width, generator=noise)
        loss = (model(inputs).squeeze(1) - inputs.sum(1)).square().mean()
        loss = loss + _cost(model, getattr(config, "penalty", Free()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        running["sum"] += loss.item()
        bad = getattr(config, "mishap", "none") == "nan" and step == 5
        value = float("nan") if bad else loss.item()
        outputs = model(torch.ones(1, width)).detach().numpy()
        trial.predictions("test", [9], sorted(units(config)["test"]), outputs[:, 0] * 0 + width, outputs)
        trial.log(
            step + 1,
            {"train/loss": value, "val/loss": value, "test/loss": value, "train/sum": running["sum"]}
            | {"params": sum(weight.numel() for weight in model.parameters())},
        )
        trial.checkpoint(step + 1, state)


def _cost(model: Any, penalty: Free | Ridge) -> Any:
    weights = sum(weight.square().sum() for weight in model.parameters())
    return penalty.strength * weights if isinstance(penalty, Ridge) else 0.0


def _mishap(what: str, step: int) -> None:
    if what == "bug" and step == 3:
        raise RuntimeError("a bug, planted")
    if what.startswith("kill:") and step == 3 and not Path(what[5:]).exists():
        Path(what[5:]).touch()
        os.kill(os.getpid(), signal.SIGKILL)


_BY_LOSS = Role(select_by=("val/loss", "min"), revision=1)

family = Family(
    name="toy",
    config=Annotated[Leader | Follower, Field(discriminator="role")],
    run=run,
    roles={"leader": _BY_LOSS, "follower": replace(_BY_LOSS, several=("leader",))},
    fingerprint=lambda _: "made-up",
    split_settings=("fold",),
    units=units,
    metrics={"loss": Metric(better="lower", on=ANYWHERE), "params": Metric(better="lower", on=("",))},
    tiny=({"role": "leader", "steps": 4},),
)
