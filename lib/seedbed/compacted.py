"""All results of a stage in one object: what a later analysis starts from."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping

from seedbed.run_records import StageRecord
from seedbed.state import TrialState


def as_parquet(record: StageRecord, states: Mapping[str, TrialState]) -> bytes:
    """One row a planned trial; metrics, axes and config as JSON, null where there is no result."""
    import pyarrow as pa  # loaded here: most commands never need it
    import pyarrow.parquet as pq

    rows = []
    for trial in record.trials:
        state = states[trial.id]
        result = state.result
        rows.append(
            {
                "trial": trial.id,
                "family": trial.family,
                "role": trial.role,
                "seed": trial.seed,
                "status": state.status if result is None else result.status,
                "axes": json.dumps(trial.axes),
                "config": json.dumps(trial.config),
                "metrics": json.dumps(result.metrics if result else {}),
                "seconds": result.seconds if result else None,
                "code": result.code if result else None,
            }
        )
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()
