"""`make bench`: run every benchmark and write `build/bench/results.json`.

Each result is `{"name", "value", "unit", "peer", "peer_value", "limit", "limit_value", "machine"}`; `limit` says what must
not exceed `limit_value` ("value", "value/peer_value", "value-peer_value" or "peer_value/value"), and a result beyond its
limit is printed as such.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.commands import help_page
from tests.benchmarks.control_plane import control_plane
from tests.benchmarks.deployments import deployments
from tests.benchmarks.jobs import prepare, training_job
from tests.benchmarks.measuring import ROOT, measured
from tests.benchmarks.pipelines import pipelines
from tests.benchmarks.startup import start

from penstock_cloud import cloud


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as name:
        folder = Path(name)
        state = folder / "state"
        try:
            results = [*help_page(), *start(state)]
            info = cloud.info(state)
            assert info
            prepare(info)
            results += [*control_plane(info, folder), *training_job(info), *pipelines(info, folder)]
            results += deployments(info, folder)
        finally:
            cloud.reset(state)
    output = ROOT / "build/bench/results.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=2) + "\n")
    for item in results:
        figure = measured(item)
        verdict = "within" if figure <= item["limit_value"] else "BEYOND"
        print(
            f"{item['name']}: {item['value']} {item['unit']}; {item['peer']}: {item['peer_value']} {item['unit']};"
            f" {item['limit']} = {figure:.2f}, {verdict} the limit of {item['limit_value']}"
        )
    print(f"written to {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
