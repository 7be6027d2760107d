"""The command that makes a sweep one that the Argo UI can start."""

from __future__ import annotations

from seedbed.cli.options import SweepArgument, sweep_file


def template(sweep: SweepArgument) -> None:
    """Print a sweep as a WorkflowTemplate for `kubectl apply -f -`: the Argo UI can then start it."""
    import yaml

    from seedbed.argo.template import template_of

    print(yaml.safe_dump(template_of(sweep_file(sweep)), sort_keys=False, allow_unicode=True), end="")
