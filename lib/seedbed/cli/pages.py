"""The command that serves reports and logs over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from seedbed.cli.options import OnOption, StoreOption, store_at


def pages(
    store: StoreOption = "runs",
    on: OnOption = "local",
    port: Annotated[int, typer.Option(min=0, help="Where; 0 is any free one.")] = 8080,
    address: Annotated[str, typer.Option(help="For whom: 0.0.0.0 is everybody.")] = "127.0.0.1",
) -> None:
    """Serve the store's reports and what its pods said over HTTP, to be read; what the Argo UI's links lead to."""
    import signal

    from seedbed.errors import Interrupted
    from seedbed.pages import server_of

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with server_of(store_at(store, on), address, port) as server:
        print(f"http://{address}:{server.server_port}/", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            raise Interrupted("stopped") from None
