"""How particular objects of moto and LocalStack are pickled: those that cannot be, and large ones that need not be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock_gateway.state import pickling

PUBLIC_PREFIXES = ("/aws/service/",)


def install(service: str) -> None:
    """Enter those of a service."""
    if service == "ssm":
        _ssm_parameters()
    elif service == "iam":
        _aws_policies()


def _aws_policies() -> None:
    from moto.iam.models import AWSManagedPolicy

    pickling.reduce_with(AWSManagedPolicy, lambda policy: (_aws_policy, (policy.account_id, policy.arn)))


def _aws_policy(account: str, arn: str) -> Any:
    """The policy that moto's backend made for itself; others refer to it."""
    from moto.iam.models import iam_backends

    return iam_backends[account][arn.split(":")[1]].managed_policies[arn]


def _ssm_parameters() -> None:
    from moto.ssm.models import ParameterDict

    def reduce(found: ParameterDict) -> tuple[Any, ...]:
        own = {name: versions for name, versions in dict.items(found) if not name.startswith(PUBLIC_PREFIXES)}
        return _parameters, (found.account_id, found.region_name, own)

    pickling.reduce_with(ParameterDict, reduce)


def _parameters(account: str, region: str, own: dict[str, Any]) -> Any:
    """The public parameters below /aws/service are read again when they are asked for."""
    from moto.ssm.models import ParameterDict

    made = ParameterDict(account, region)
    for name, versions in own.items():
        dict.__setitem__(made, name, versions)
    return made


Attributes = dict[str, Any]


def _trim_iam(attributes: Attributes) -> Attributes:
    """Without the policies of AWS's own, which every backend makes for itself, but for how often each is attached."""
    public = attributes.pop("aws_managed_policies")
    names = {policy.arn for policy in public}
    managed = attributes["managed_policies"]
    attributes["managed_policies"] = {arn: policy for arn, policy in list(managed.items()) if arn not in names}
    attributes["_attached"] = {policy.arn: policy.attachment_count for policy in public if policy.attachment_count}
    return attributes


def _restore_iam(backend: Any, attributes: Attributes) -> None:
    for arn, count in attributes.pop("_attached").items():
        if arn in backend.managed_policies:
            backend.managed_policies[arn].attachment_count = count
    attributes["managed_policies"] = backend.managed_policies | attributes["managed_policies"]


def _trim_ec2(attributes: Attributes) -> Attributes:
    """Without the images that AWS and others offer."""
    images = attributes["amis"]
    own = {name: image for name, image in list(images.items()) if image.owner_id == attributes["account_id"]}
    return attributes | {"amis": own}


def _restore_ec2(backend: Any, attributes: Attributes) -> None:
    attributes["amis"] = backend.amis | attributes["amis"]


TRIMMING: dict[str, tuple[Callable[[Attributes], Attributes], Callable[[Any, Attributes], None]]] = {
    "iam": (_trim_iam, _restore_iam),
    "ec2": (_trim_ec2, _restore_ec2),
}
"""What of a moto backend is left out because every backend has it, and how it comes back before the rest."""
