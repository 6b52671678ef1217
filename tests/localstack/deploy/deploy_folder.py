"""Runs one operation against a `FolderProvider`, for tests that need a deployment in a process of its own.

`python deploy_folder.py OPERATION PROJECT STACK CLOUD_FOLDER`
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from folder_provider import FolderProvider

from penstock_deploy import Deployment, DeploymentError


def main() -> int:
    operation, project, stack, cloud = sys.argv[1:]
    try:
        deployment = Deployment(
            Path(project),
            stack,
            environment=os.environ,
            load_provider=lambda package, version, configuration: FolderProvider(Path(cloud), configuration),
        )
        result = getattr(deployment, operation)(lambda event: print(json.dumps(event), file=sys.stderr, flush=True))
    except DeploymentError as error:
        print(error)
        return 2
    print(json.dumps(result.to_json()))
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
