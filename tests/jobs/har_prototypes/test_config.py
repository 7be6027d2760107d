"""The family's knobs: the study's defaults, which exist where, and what is refused in which words."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.har_prototypes import family
from jobs.har_prototypes.config import Encoder, Prototypes
from seedbed.config import ConfigError, differing


def read(**settings: Any) -> Any:
    return family.plan(settings, {})


def refused(settings: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as raised:
        read(**settings)
    return str(raised.value)


def test_the_defaults_are_those_of_the_study() -> None:
    config = read()
    assert isinstance(config, Prototypes)
    assert (config.epochs, config.batch_size, config.learning_rate, config.weight_decay) == (
        100,
        128,
        5e-4,
        1e-4,
    )
    assert (config.dim, config.kernel, config.cbam, config.cbam_reduction) == (64, 7, True, 8)
    assert (config.heads, config.mlp_ratio, config.dropout, config.reduce_to) == (4, 2.0, 0.1, None)
    assert (config.normalize, config.augment, config.start.kind) == ("none", None, "xavier")
    assert config.contrast is not None
    assert config.contrast.model_dump() == {
        "kind": "proto_nce",
        "weight": 0.25,
        "temperature": 0.05,
        "projection": "plain",
        "concentration": False,
    }
    assert differing(config) == {}


@pytest.mark.parametrize(
    "kind",
    [
        "proto_nce",
        "triplet",
        "triplet_mined",
        "triplet_roll",
        "barlow",
        "barlow_class",
        "ntxent",
        "supcon",
        "simsiam",
    ],
)
def test_each_loss_has_the_knobs_that_do_something(kind: str) -> None:
    knobs = set(read(contrast={"kind": kind}).contrast.model_dump()) - {"kind", "weight", "projection"}
    warps = {"barlow", "ntxent", "simsiam", "triplet_roll"}
    assert ("views" in knobs) == (kind in warps)
    assert ("temperature" in knobs) == (kind in {"proto_nce", "ntxent", "supcon"})
    assert ("margin" in knobs) == kind.startswith("triplet")
    assert ("off_diagonal" in knobs) == kind.startswith("barlow")


def test_what_is_read_is_read_again_alike() -> None:
    several: list[dict[str, Any]] = [
        {"contrast": {"kind": "barlow", "views": {"mask": 0.2}}, "start": {"kind": "mean_same_weights"}},
        {"contrast": None, "reduce_to": 32, "augment": {}},
        {"block": "encoder"},
    ]
    for settings in several:
        config = read(**settings)
        assert family.read(config.model_dump(mode="json")) == config
    assert isinstance(config, Encoder)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"block": "encoderr"}, "block: found 'encoderr'; did you mean 'encoder'?"),
        ({"block": "encoder", "reduce_to": 32}, "reduce_to: has no effect in a network without prototypes"),
        (
            {"block": "encoder", "start": {"kind": "xavier"}},
            "start: has no effect in a network without prototypes",
        ),
        ({"block": "encoder", "heads": 3}, "block: 3 heads do not divide a working width of 64"),
        ({"heads": 3}, "reduce_to: 3 heads do not divide a working width of 64"),
        ({"reduce_to": 30}, "reduce_to: 4 heads do not divide a working width of 30"),
        (
            {"start": "xavier"},
            "start: found 'xavier', expected settings by name such as {kind: xavier}",
        ),
        ({"start": "mean_random_ent"}, "such as {kind: xavier}; did you mean 'mean_random_net'?"),
        ({"contrast": 3}, "contrast: found 3, expected settings by name such as {kind: proto_nce}; known: "),
        ({"kernel": 8}, "kernel: 8 taps change the length; an odd number keeps it"),
        ({"cbam": False, "cbam_reduction": 16}, "cbam_reduction: has no effect without cbam"),
        ({"dim": 4}, "cbam_reduction: 8 leaves nothing of 4 channels"),
        ({"data": "uci_hra"}, "data: no data set is called 'uci_hra'; did you mean 'uci_har'?"),
        ({"data": "har/../x"}, "data: 'har/../x': a set's name has letters, digits, - and _ only"),
        (
            {"contrast": {"kind": "triplet", "temperature": 0.1}},
            "contrast.temperature: has no effect in a triplet loss with",
        ),
        (
            {"contrast": {"kind": "supcon", "margin": 1}},
            "contrast.margin: has no effect in a supervised contrast among",
        ),
        (
            {"contrast": {"kind": "supcon", "wieght": 1}},
            "contrast.wieght: no such setting; did you mean 'weight'?",
        ),
        ({"contrast": {"kind": "tripet"}}, "kind: found 'tripet'; did you mean 'triplet'?"),
        (
            {"contrast": {"kind": "barlow"}, "batch_size": 3},
            "contrast: correlations need batches of at least 4",
        ),
        ({"start": {"kind": "xavier", "space": "pooled"}}, "start.space: has no effect in a random start"),
        (
            {"start": {"kind": "mean_same_weights", "space": "projected"}, "contrast": None},
            "start: without contrast nothing is projected",
        ),
        (
            {"start": {"kind": "mean_after_warmup"}, "contrast": None},
            "start: without contrast there is no loss",
        ),
        (
            {"start": {"kind": "mean_after_warmup"}, "epochs": 5},
            "start: a warm-up of 5 leaves nothing of 5 epochs",
        ),
        ({"augment": {"jitter": 0, "scaling": 0}}, "with jitter, scaling and mask at zero nothing is warped"),
        ({"protocol": "subjects"}, "protocol: found 'subjects'"),
        ({"batch": 128}, "batch: no such setting; did you mean 'batch_size'?"),
        ({"windows": 4}, "windows: input should be greater than or equal to 8, found 4"),
    ],
)
def test_a_knob_that_does_nothing_or_does_not_exist_is_refused(
    settings: dict[str, Any], complaint: str
) -> None:
    assert complaint in refused(settings)


def test_the_metric_that_selects_is_one_of_validation() -> None:
    assert {role.select_by for role in family.roles.values()} == {("val/f1", "max")}
