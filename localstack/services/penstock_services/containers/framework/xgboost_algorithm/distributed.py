"""Training on several hosts: the library's own collective, with its tracker on the first host."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Any

from penstock_services.containers.framework.failure import UserError
from penstock_services.containers.framework.job import TrainingJob

_PORT = 9099
_PATIENCE = 60.0


@contextlib.contextmanager
def together(job: TrainingJob, *, has_data: bool) -> Iterator[bool]:
    """Inside, this host trains with the others; whether it is the first. Every host needs data of its own."""
    if len(job.hosts) == 1:
        yield True
        return
    import xgboost
    from xgboost import collective
    from xgboost.tracker import RabitTracker

    if int(xgboost.__version__.partition(".")[0]) < 3:
        message = (
            f"Penstock's local SageMaker does not train XGBoost {xgboost.__version__} on more than one instance: use "
            "sagemaker-xgboost 3.0-5 or later, or InstanceCount 1"
        )
        raise UserError(message)
    if not has_data:
        message = f"Host {job.host} has no data in its train channel: give each instance at least one file"
        raise UserError(message)
    tracker = None
    address = _address(job.hosts[0])
    if job.is_master:
        tracker = RabitTracker(n_workers=len(job.hosts), host_ip=address, port=_PORT)
        tracker.start()
    options: dict[str, Any] = {
        "dmlc_communicator": "rabit",
        "dmlc_tracker_uri": address,
        "dmlc_tracker_port": _PORT,
        "dmlc_task_id": job.host,
    }
    _join(collective, options, xgboost.core.XGBoostError)
    try:
        yield job.is_master
    finally:
        collective.finalize()
    if tracker is not None:
        tracker.wait_for(timeout=int(_PATIENCE))


def _join(collective: Any, options: dict[str, Any], refused: type[Exception]) -> None:
    """Enter the collective, again and again until the first host's tracker is there."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            collective.init(**options)
        except refused:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _address(host: str) -> str:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return socket.gethostbyname(host)
        except OSError:
            if time.monotonic() > deadline:
                message = f"the host {host} was not found"
                raise UserError(message) from None
            time.sleep(0.2)
