"""CloudWatch metrics with exactly the dimensions that are asked for.

A metric is its name with all its dimensions (Amazon CloudWatch user guide, "Dimensions"). LocalStack looks for values
whose dimensions begin like those asked for, so that an alarm on the endpoint `flights` would count what `flights-2` does,
and what is published with a further dimension would be counted twice.
"""

from __future__ import annotations

import threading
from typing import Any

from localstack.services.cloudwatch.cloudwatch_database_helper import CloudwatchDatabase

_reading = threading.local()
_read = CloudwatchDatabase.get_metric_data_stat
_text = CloudwatchDatabase._get_ordered_dimensions_with_separator


def get_metric_data_stat(self: CloudwatchDatabase, *arguments: Any, **named: Any) -> Any:
    """LocalStack's, with whole dimensions."""
    _reading.values = True
    try:
        return _read(self, *arguments, **named)
    finally:
        _reading.values = False


def ordered_dimensions(self: CloudwatchDatabase, dims: Any, for_search: bool = False) -> Any:
    """The text that a metric's dimensions are kept under; a pattern of it only where metrics are listed."""
    return _text(self, dims, for_search and not getattr(_reading, "values", False))


def install() -> None:
    """Have LocalStack's file of metrics read so."""
    CloudwatchDatabase.get_metric_data_stat = get_metric_data_stat
    CloudwatchDatabase._get_ordered_dimensions_with_separator = ordered_dimensions
