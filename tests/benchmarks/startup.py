"""The local cloud's start and memory, with our services and without."""

from __future__ import annotations

import time
from pathlib import Path

from tests.benchmarks.measuring import Result, memory, result, server

from penstock_cloud import cloud, environments, processes


def start(state: Path) -> list[Result]:
    """Bring the cloud up in `state` (it stays up), and bare LocalStack beside it."""
    port = processes.free_port()
    settings = {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}", "DISABLE_EVENTS": "1", "SKIP_SSL_CERT_DOWNLOAD": "1", "DNS_ADDRESS": "0",
        "LOCALSTACK_VOLUME_DIR": str(state.parent / "bare"), "FILESYSTEM_ROOT": str(state.parent / "bare"),
    }  # fmt: skip
    command = ["env", *(f"{name}={value}" for name, value in settings.items())]
    command += [str(environments.ensure("gateway")), "-m", "localstack.runtime.main"]
    url = f"http://127.0.0.1:{port}/_localstack/health"
    ours, bare = [], []
    for _ in range(3):
        with server(command, url, state.parent) as (taken, pid):
            bare.append(taken)
            bare_memory = memory(pid)
        cloud.down(state)
        begin = time.perf_counter()
        info = cloud.up(state, 0)
        ours.append(time.perf_counter() - begin)
    own_memory = memory(info.pid)
    return [
        result("local cloud up", min(ours), "s", "bare LocalStack 4.14", min(bare), "value-peer_value", 2.0),
        result("memory of the local cloud", own_memory, "MB", "bare LocalStack 4.14", bare_memory, "value", 600.0),
    ]
