"""A family: a kind of experiment. One folder in jobs/, found by looking."""

from __future__ import annotations

import importlib
import pkgutil
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seedbed.config import Config, ConfigError, Settings, fixed_values, read_config, variants
from seedbed.errors import InvalidConfig, SeedbedError, did_you_mean

if TYPE_CHECKING:
    from seedbed.data import Files
    from seedbed.trial import Trial


@dataclass(frozen=True)
class Role:
    """What a trial of a family can be: a teacher, a student, an evaluation."""

    select_by: tuple[str, Literal["max", "min"]] | None
    """The validation metric that says which step is "best", and its direction; None: the last step."""

    revision: int
    """Raised when the same config would give other numbers, so that old results are not mistaken for new."""

    several: Sequence[str] = ()
    """The inputs that may be several trials at once, of which a plan says `pick: all`."""

    inputs: Sequence[str] | None = None
    """The inputs that it takes, each of which it needs; None: whatever `Family.complete` does not refuse."""


ANYWHERE = ("test", "val", "train")
"""The splits of a metric that is logged on all of them."""


@dataclass(frozen=True)
class Metric:
    """How a metric is shown."""

    unit: Literal["%", ""] = ""
    """% shows a ratio as per cent."""

    better: Literal["higher", "lower"] = "higher"
    """Which direction is better."""

    on: Sequence[str] = ("test", "val")
    """What stands before its name where it is logged: splits, `model` of what is no split's, or nothing ("")."""

    of_unit: Callable[[Any, Any], float] | None = None
    """Of a metric that is had on each unit by itself and then averaged (a clustering's agreement with the speakers of
    a book): targets (n,) and outputs (n,) of one unit to its score. Outputs (n, R) are those of R runs of what is
    drawn at random after training, such as the seeds of a clusterer; a unit's scores are averaged first. None for
    all other metrics: those that `seedbed.scores` knows have intervals over units by their names."""


def _as_given(settings: Settings, _: Mapping[str, Config]) -> Settings:
    return settings


def _no_units(_: Config) -> Mapping[str, frozenset[str]]:
    return {}


def _no_files(_: str) -> Files | None:
    return None


@dataclass(frozen=True)
class Family:
    """A kind of experiment, as seedbed sees it."""

    name: str
    """The name of its folder in jobs/."""

    config: Any
    """A Config model; where roles differ, a union of them, told apart by `role`."""

    run: Callable[[Trial[Any]], None]
    """Trains one trial. Heavy libraries are imported inside, so that planning stays quick."""

    roles: Mapping[str, Role]
    """Its roles, by the name that config's `role` has."""

    fingerprint: Callable[[Any], str]
    """The fingerprint of the data that a config reads; raises BadData when it is not there. Asked for again before a
    trial trains, before it saves and before its result is written, so that it has to be quick."""

    split_settings: Sequence[str] = ()
    """The settings that data and split follow from; configs that agree on them are split alike."""

    units: Callable[[Any], Mapping[str, frozenset[str]]] = _no_units
    """The units (subjects, books, identities) in a config's train, validation and test data; quick, without torch."""

    datasets: Callable[[], Mapping[str, str]] = dict
    """The data sets that it knows: name and one sentence (where it comes from)."""

    files: Callable[[str], Files | None] = _no_files
    """The files of a data set by its name in a store, for `seedbed data push`; None for a name it does not know."""

    complete: Callable[[Settings, Mapping[str, Config]], Settings] = _as_given
    """Settings with what the inputs' configs, by role, add to them (weights that sum to one); raises ConfigError."""

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    """The metrics that it logs and how they are shown, by the part of their name behind the split: accuracy, f1."""

    figures: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    """Pictures that need several trials: (the stage's tables, the trials' files) -> a matplotlib figure, or None where
    there is nothing to show, and its data as columns of equal length by name. They stand in the report."""

    tiny: Sequence[Settings] = ()
    """Trials that train in seconds on what is installed: for `seedbed selftest`, by which an image tests itself."""

    preload: Sequence[str] = ()
    """Modules that a worker wants imported before it starts. A family that makes torch's optimizers without
    `seedbed.nets.optimizers.eager` names `torch._dynamo`, which they import late and once a trial otherwise."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself: it would be heard of after everything has been trained."""
        for name, role in self.roles.items():
            if role.select_by is not None:
                self._refuse_wrong_choice(f"roles.{name}.select_by", *role.select_by)
        for model in variants(self.config):
            for name in fixed_values(model, "role"):
                if name not in self.roles:
                    said = f"a {model.__name__} has the role {name!r}, which is not among them"
                    raise self._wrong("roles", f"{said}; {did_you_mean(name, self.roles)}")

    def _refuse_wrong_choice(self, place: str, metric: str, mode: str) -> None:
        modes = {"higher": "max", "lower": "min"}
        if mode not in modes.values():
            near = did_you_mean(mode, modes.values())
            raise self._wrong(place, f"found {mode!r}, expected max or min; {near}")
        known = {f"val/{name}": name for name, about in self.metrics.items() if "val" in about.on}
        if metric not in known:
            said = f"found {metric!r}, expected a validation metric that `metrics` declares"
            raise self._wrong(place, f"{said}; {did_you_mean(metric, known)}")
        better = self.metrics[known[metric]].better
        if mode != modes[better]:
            told = f"`metrics` says that {better} {known[metric]} is better"
            raise self._wrong(place, f"found {mode}, but {told}; expected {modes[better]}")

    def _wrong(self, place: str, complaint: str) -> InvalidConfig:
        return InvalidConfig(f"jobs/{self.name}/__init__.py: {place}: {complaint}")

    def plan(self, settings: Settings, inputs: Mapping[str, Config]) -> Config:
        """The config that settings mean for a trial that builds on these; raises ConfigError."""
        config = read_config(self.config, self.complete(settings, inputs))
        self._refuse_wrong_inputs(self.role_of(config), inputs)
        return config

    def _refuse_wrong_inputs(self, role: str, inputs: Mapping[str, Config]) -> None:
        needed = self.roles[role].inputs
        if needed is None:
            return
        for name in inputs:
            if name not in needed:
                said = f"a {role} takes no such input"
                raise ConfigError(("inputs", name), f"{said}; {did_you_mean(name, needed)}")
        for name in needed:
            if name not in inputs:
                raise ConfigError(("inputs", name), "is required and not set")

    def read(self, settings: Settings) -> Config:
        """A whole config, as plans and results hold it; raises ConfigError."""
        return read_config(self.config, settings)

    def role_of(self, config: Config) -> str:
        """The role that a config plays."""
        return str(getattr(config, "role", next(iter(self.roles))))

    def metric_names(self) -> list[str]:
        """Every metric that a table's cell can show: `test/accuracy@best`."""
        return [
            f"{split}/{name}@{when}" if split else f"{name}@{when}"
            for name, metric in self.metrics.items()
            for split in metric.on
            for when in ("best", "last")
        ]

    def metric(self, name: str) -> Metric:
        """How `test/accuracy@best` is shown."""
        return self.metrics.get(name.split("@")[0].split("/")[-1], Metric())


def family_names() -> list[str]:
    """The families there are: every package in jobs/."""
    jobs = importlib.import_module("jobs")
    return sorted(module.name for module in pkgutil.iter_modules(jobs.__path__) if module.ispkg)


def load_family(name: str) -> Family:
    """The family of that name; raises InvalidConfig with the nearest one."""
    if name not in family_names():
        raise InvalidConfig(f"no family is called {name!r}; {did_you_mean(name, family_names())}")
    place = f"jobs/{name}/__init__.py"
    try:
        package = importlib.import_module(f"jobs.{name}")
    except SeedbedError:  # it says where it stands
        raise
    except Exception as error:
        raise InvalidConfig(f"{place}: {_in_words(error, name)}") from error
    family = getattr(package, "family", None)
    if not isinstance(family, Family) or family.name != name:
        raise InvalidConfig(f"{place}: expected `family = Family(name={name!r}, ...)`")
    return family


def load_families() -> tuple[list[Family], list[SeedbedError]]:
    """The families that can be loaded, and what is wrong with the others: one of them stops nobody else's work."""
    families, wrong = [], []
    for name in family_names():
        try:
            families.append(load_family(name))
        except SeedbedError as error:
            wrong.append(error)
    return families, wrong


def refuse_wrong(wrong: Sequence[SeedbedError]) -> None:
    """Raise InvalidConfig with a line for each family that could not be loaded, if there is one."""
    if wrong:
        raise InvalidConfig("\n         ".join(map(str, wrong)))


def _in_words(error: Exception, name: str) -> str:
    """What went wrong in a family's code, and in which of its lines, which a SyntaxError says itself."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return said
    own = [line for line in traceback.extract_tb(error.__traceback__) if f"/jobs/{name}/" in line.filename]
    return said + "".join(f" ({Path(line.filename).name}, line {line.lineno})" for line in own[-1:])
