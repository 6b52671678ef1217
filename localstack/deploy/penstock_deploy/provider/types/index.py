"""Functions of the AWS package itself: who, where, which partition."""

from __future__ import annotations

from typing import Any

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


@function("aws:index/getAvailabilityZones:getAvailabilityZones")
def get_availability_zones(aws: Aws, arguments: Properties) -> Properties:
    request: dict[str, Any] = {"AllAvailabilityZones": bool(arguments.get("allAvailabilityZones"))}
    given = [{"Name": item["name"], "Values": item["values"]} for item in arguments.get("filters") or []]
    if arguments.get("state"):
        given.append({"Name": "state", "Values": [arguments["state"]]})
    if given:
        request["Filters"] = given
    zones = aws.client("ec2").describe_availability_zones(**request)["AvailabilityZones"]
    hidden = {*(arguments.get("excludeNames") or []), *(arguments.get("excludeZoneIds") or [])}
    zones = [zone for zone in zones if not hidden & {zone["ZoneName"], zone["ZoneId"]}]
    zones.sort(key=lambda zone: str(zone["ZoneName"]))
    return {
        "id": aws.region,
        "region": aws.region,
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone["ZoneId"] for zone in zones],
        "groupNames": sorted({zone.get("GroupName") or aws.region for zone in zones}),
    }
