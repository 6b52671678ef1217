"""Functions of the AWS package itself: who, where, which partition."""

from __future__ import annotations

from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.registry import function
from penstock_deploy.values import Properties


@function("aws:index/getCallerIdentity:getCallerIdentity")
def get_caller_identity(aws: Aws, arguments: Properties) -> Properties:  # noqa: ARG001
    answer = aws.client("sts").get_caller_identity()
    account = answer["Account"]
    return {"accountId": account, "arn": answer["Arn"], "userId": answer["UserId"], "id": account}


@function("aws:index/getRegion:getRegion")
def get_region(aws: Aws, arguments: Properties) -> Properties:
    region = arguments.get("region") or arguments.get("name") or aws.region
    endpoint = f"ec2.{region}.amazonaws.com"
    return {"name": region, "region": region, "id": region, "endpoint": endpoint, "description": region}


@function("aws:index/getPartition:getPartition")
def get_partition(aws: Aws, arguments: Properties) -> Properties:  # noqa: ARG001
    return {"partition": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws", "id": "aws"}
