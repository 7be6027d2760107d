"""What a person is told of winners: from what to what they change, what retrains, and which are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedbed.planning import SweepPlan, Winner
    from seedbed.state import TrialState
    from seedbed.store import Store
    from seedbed.sweep import Form

Recorded = dict[str, list["Winner"]]


def winners_to_keep(store: Store, plan: SweepPlan, form: Form, keep: bool) -> Recorded | None:
    """The recorded winners, when they are to stay; raises InvalidSweep when none are recorded."""
    from seedbed.errors import InvalidSweep
    from seedbed.runs import recorded_winners

    if not keep:
        return None
    recorded = recorded_winners(store, plan, form)
    if not recorded:
        raise InvalidSweep(f"--keep-winners: no run of {plan.sweep.name} in its {form} form has recorded any")
    return recorded


def changed_winners(plan: SweepPlan, recorded: Recorded, states: Mapping[str, TrialState]) -> Iterator[str]:
    """A line for each stage whose winner is another than the recorded one: from what to what, and what retrains."""
    from seedbed.planning.model import axes_in_words
    from seedbed.sweep.seeds import seeds_text

    for name, stage in plan.stages.items():
        before = {_key(winner.within): winner for winner in recorded.get(name, [])}
        for winner in stage.winners or ():
            old = before.get(_key(winner.within))
            if old is None or old.axes == winner.axes:
                continue
            where = f" ({axes_in_words(winner.within)})" if winner.within else ""
            yield (
                f"{name}{where}: the winner changes from {axes_in_words(old.axes)} (seeds {seeds_text(old.seeds)}) to "
                f"{axes_in_words(winner.axes)} (seeds {seeds_text(winner.seeds)}){_retrains(plan, name, states)}; "
                "--keep-winners stays with the recorded one"
            )


def winners_in_words(plan: SweepPlan, stage: str) -> Iterator[str]:
    """A line for each winner of a stage, or why there is none."""
    from seedbed.planning.model import axes_in_words
    from seedbed.sweep.seeds import seeds_text

    planned = plan.stages[stage]
    if planned.failed:
        yield f"no winner: {planned.failed}"
    for winner in planned.winners or ():
        where = f" for {axes_in_words(winner.within)}" if winner.within else ""
        how = "kept as recorded" if planned.kept else winner.reason
        yield f"winner{where}: {axes_in_words(winner.axes)} (seeds {seeds_text(winner.seeds)}; {how})"


def _retrains(plan: SweepPlan, name: str, states: Mapping[str, TrialState]) -> str:
    heirs = [heir for heir in plan.stages if heir != name and name in _origins(plan, heir)]
    if not heirs:
        return ""
    new = sum(not states[trial.id].finished for heir in heirs for trial in plan.stages[heir].trials)
    late = sum(plan.stages[heir].at_most for heir in heirs if plan.stages[heir].late)
    count = " and ".join([f"{new} trials", *([f"at most {late} more"] if late else [])])
    return f", so that {count} of {', '.join(heirs)} are to run"


def _origins(plan: SweepPlan, stage: str) -> Sequence[str]:
    """The stages that one starts from, or confirms."""
    from seedbed.planning.selecting import chain_of

    return chain_of(plan.sweep, plan.sweep.stage(stage).plan.confirm or stage)


def _key(within: Mapping[str, object]) -> frozenset[tuple[str, object]]:
    return frozenset(within.items())
