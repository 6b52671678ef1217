"""`python -m penstock_cloud`: the supervisor's own entry, and the bare verbs for use without the `penstock` command."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path

from penstock_cloud import cloud, snapshots, supervisor
from penstock_cloud.errors import CloudError


def main() -> int:
    """Run one verb; 0 done, 1 failed."""
    parser = argparse.ArgumentParser(prog="python -m penstock_cloud")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("up", "down", "status", "env", "reset", "save", "load", "supervise"):
        verb = verbs.add_parser(name)
        verb.add_argument("--state-dir", type=Path, required=True)
        if name in {"save", "load"}:
            verb.add_argument("name")
            verb.add_argument("--yes", action="store_true", help="replace what is there")
        if name in {"up", "supervise"}:
            verb.add_argument("--port", type=int, default=cloud.DEFAULT_PORT)
            verb.add_argument("--receiver", type=json.loads, help="the receiver's command, as a JSON list")
        if name == "supervise":
            verb.add_argument("--gateway-python", required=True)
            verb.add_argument("--services-python", required=True)
    given = parser.parse_args()
    state_dir: Path = given.state_dir.absolute()
    try:
        match given.verb:
            case "supervise":
                return supervisor.serve(
                    state_dir, given.port, given.gateway_python, given.services_python, given.receiver
                )
            case "up":
                info = cloud.up(state_dir, given.port, given.receiver, lambda text: print(text, file=sys.stderr))
                print(info.model_dump_json())
            case "down":
                cloud.down(state_dir)
            case "reset":
                cloud.reset(state_dir)
            case "save":
                print(snapshots.save(state_dir, given.name, replace=given.yes).model_dump_json())
            case "load":
                print(snapshots.load(state_dir, given.name, replace=given.yes).model_dump_json())
            case "status":
                print(json.dumps(cloud.status(state_dir)))
            case "env":
                found = cloud.info(state_dir)
                if found is None:
                    raise CloudError(f"no local cloud runs in {state_dir}", "start it: up")
                for name, value in cloud.environment(found).items():
                    print(f"export {name}={shlex.quote(value)}")
    except CloudError as error:
        print(f"error: {error.message}\n{error.detail}\n  fix: {error.fix}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
