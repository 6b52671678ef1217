"""Several accounts of one local cloud: whose credentials are used says where a stack is, as on AWS."""

from __future__ import annotations

from pathlib import Path

import pytest
from round_trip import client, project, run

pytestmark = pytest.mark.cloud

HERE, THERE = "111111111111", "222222222222"
PROGRAM = """
queue = aws.sqs.Queue("q", name="same-name")
pulumi.export("queue", queue.arn)
pulumi.export("account", aws.get_caller_identity().account_id)
"""
AWAY = """
away = aws.Provider("away", region="us-east-1", access_key="{account}", secret_key="x",
                    allowed_account_ids=["{allowed}"])
options = pulumi.ResourceOptions(provider=away)
pulumi.export("queue", aws.sqs.Queue("q", name="away", opts=options).arn)
pulumi.export("account", aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=away)).account_id)
pulumi.export("own", aws.get_caller_identity().account_id)
"""


def of(environment: dict[str, str], account: str) -> dict[str, str]:
    """The environment with the credentials of an account."""
    return {**environment, "AWS_ACCESS_KEY_ID": account}


def queues(environment: dict[str, str], account: str) -> list[str]:
    urls = client(of(environment, account), "sqs").list_queues().get("QueueUrls", [])
    return [url.rsplit("/", 1)[-1] for url in urls]


@pytest.mark.parametrize("mode", ["same", "process"])
def test_a_stack_is_in_the_account_of_the_credentials(
    tmp_path: Path, cloud_environment: dict[str, str], mode: str
) -> None:
    """Two stacks of one program, each with a thing of the same name; neither sees the other's."""
    environment = {**cloud_environment, "PENSTOCK_PROVIDER": mode}
    stacks = {
        account: project(tmp_path, of(environment, account), f"{mode}-{account}", PROGRAM) for account in (HERE, THERE)
    }
    try:
        for account, deployment in stacks.items():
            arn = f"arn:aws:sqs:us-east-1:{account}:same-name"
            assert run(deployment, "up").outputs == {"queue": arn, "account": account}
        for deployment in stacks.values():
            assert run(deployment, "refresh").changes == []
        run(stacks[HERE], "destroy")
        assert (queues(environment, HERE), queues(environment, THERE)) == ([], ["same-name"])
    finally:
        for deployment in stacks.values():
            run(deployment, "destroy")


def test_a_provider_with_credentials_of_its_own(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    program = AWAY.format(account=THERE, allowed=THERE)
    deployment = project(tmp_path, of(cloud_environment, HERE), "away", program)
    try:
        outputs = run(deployment, "up").outputs
        assert outputs == {"queue": f"arn:aws:sqs:us-east-1:{THERE}:away", "account": THERE, "own": HERE}
        assert run(deployment, "preview").changes == []
        assert (queues(cloud_environment, HERE), queues(cloud_environment, THERE)) == ([], ["away"])
    finally:
        run(deployment, "destroy")
    assert queues(cloud_environment, THERE) == []


def test_credentials_of_an_account_that_is_not_allowed(tmp_path: Path, cloud_environment: dict[str, str]) -> None:
    """By the stack's configuration as by a provider's own, whose access key is a secret: nothing is made."""
    deployment = project(tmp_path, of(cloud_environment, HERE), "strict", PROGRAM)
    (tmp_path / "strict" / "Pulumi.local.yaml").write_text(f'config:\n  aws:allowedAccountIds: ["{THERE}"]\n')
    own = project(tmp_path, of(cloud_environment, HERE), "own", AWAY.format(account=THERE, allowed=HERE))
    for refused, account, told in ((deployment, HERE, HERE), (own, THERE, "[secret]")):
        result = refused.up()
        assert not result.ok
        assert f"AWS account ID not allowed: {told}" in "\n".join([*result.errors, *result.diagnostics])
        assert queues(cloud_environment, account) == []
        run(refused, "destroy")
