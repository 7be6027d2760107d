"""The command that tells Prometheus how the sweeps in a store stand."""

from __future__ import annotations

from typing import Annotated

import typer

from seedbed.cli.options import StoreOption, store_at


def exporter(
    store: StoreOption = "runs",
    port: Annotated[
        int, typer.Option(min=0, envvar="SEEDBED_METRICS_PORT", help="Serve /metrics there.")
    ] = 9465,
) -> None:
    """Tell Prometheus how the running sweeps stand, until it is stopped; in a pod, those of its namespace."""
    import signal

    from seedbed.argo.own_workflow import IDENTITY
    from seedbed.errors import Interrupted
    from seedbed.monitoring.endpoint import serving
    from seedbed.monitoring.exporter import Exporter
    from seedbed.monitoring.running import running_here

    telling = Exporter(store_at(store), running_here if IDENTITY.is_dir() else None)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    telling.look()
    with serving(telling, port) as serves:
        print(f"http://127.0.0.1:{serves}/metrics", flush=True)
        try:
            telling.look_forever()
        except KeyboardInterrupt:
            raise Interrupted("stopped") from None
