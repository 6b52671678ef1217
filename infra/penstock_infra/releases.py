"""Which versions of a model are to answer: SSM parameters that `penstock deploy` writes and the model's program reads."""

from __future__ import annotations

from pulumi_aws import ssm

from penstock_infra.card import Evaluation
from penstock_infra.errors import Settings

LIVE_VERSION = "model-package-arn"
"""The parameter below `/penstock/<stack>/<model>/` that holds the ARN of the version to serve."""
CHALLENGER_VERSION = "challenger-model-package-arn"
"""The parameter beside it with the version that is compared with the live one (strategies shadow and ab)."""


EVALUATION = "evaluation"
"""The parameter beside it with the numbers that the live version was registered with: JSON of an `Evaluation`."""


class Releases(Settings):
    """ARNs of the model's versions, None where there is none, and the live one's numbers."""

    live: str | None = None
    challenger: str | None = None
    evaluation: Evaluation | None = None


def releases(stack: str, model: str) -> Releases:
    """What was last deployed; nothing before the first deployment."""
    path = f"/penstock/{stack}/{model}"
    found = ssm.get_parameters_by_path(path=path)
    parameters = dict(zip(found.names, found.values, strict=True))

    def value(name: str) -> str | None:
        return str(parameters[f"{path}/{name}"]) if parameters.get(f"{path}/{name}") else None

    numbers = value(EVALUATION)
    return Releases(
        live=value(LIVE_VERSION),
        challenger=value(CHALLENGER_VERSION),
        evaluation=Evaluation.model_validate_json(numbers) if numbers else None,
    )
