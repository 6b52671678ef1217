"""AWS's clients as the functions see them: what was made by hand in a test, and what they were asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"


def error(code: str, operation: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Pages:
    """A paginator that tells its items one a page."""

    def __init__(self, key: str, items: list[Any]) -> None:
        self.key, self.items = key, items

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{self.key: [item]} for item in self.items] or [{self.key: []}]


class SageMaker:
    """Endpoints, configurations and model packages."""

    class exceptions:
        ClientError = ClientError

        class ResourceInUse(ClientError):
            pass

    def __init__(self) -> None:
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.configurations: set[str] = set()
        self.packages: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []
        self.undeletable: set[str] = set()

    def add(
        self,
        name: str,
        *,
        stack: str = "dev",
        status: str = "InService",
        age: timedelta = timedelta(days=10),
        managed: bool = True,
        variants: list[dict[str, Any]] | None = None,
        **tags: str,
    ) -> None:
        """An endpoint of a stack, with its configuration `<name>-configuration`."""
        self.endpoints[name] = {
            "EndpointName": name,
            "EndpointArn": f"arn:{name}",
            "EndpointStatus": status,
            "EndpointConfigName": f"{name}-configuration",
            "CreationTime": NOW - age,
            "LastModifiedTime": NOW - age,
            "ProductionVariants": variants or [{"VariantName": "AllTraffic"}],
        }
        self.tags[f"arn:{name}"] = {
            "Environment": stack,
            **({"ManagedBy": "penstock"} if managed else {}),
            **tags,
        }
        self.configurations.add(f"{name}-configuration")

    def get_paginator(self, operation: str) -> Any:
        if operation == "list_endpoints":
            return Pages("Endpoints", list(self.endpoints.values()))
        assert operation == "list_tags"
        return Tags(self.tags)

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        if EndpointName not in self.endpoints:
            raise error("ValidationException", "DescribeEndpoint", f'Could not find endpoint "{EndpointName}".')
        return self.endpoints[EndpointName]

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, Any]:
        if EndpointConfigName not in self.configurations:
            raise error("ValidationException", "DescribeEndpointConfig", "Could not find endpoint configuration")
        return {"EndpointConfigName": EndpointConfigName}

    def delete_endpoint(self, EndpointName: str) -> None:
        if EndpointName in self.undeletable:
            raise error("AccessDeniedException", "DeleteEndpoint")
        del self.endpoints[EndpointName]
        self.deleted.append(EndpointName)

    def create_endpoint(self, EndpointName: str, EndpointConfigName: str, Tags: list[dict[str, str]]) -> None:
        self.add(EndpointName, status="Creating", age=timedelta(0))
        self.endpoints[EndpointName]["EndpointConfigName"] = EndpointConfigName
        self.tags[f"arn:{EndpointName}"] = {tag["Key"]: tag["Value"] for tag in Tags}

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:
        return self.packages[ModelPackageName]

    def create_processing_job(self, **request: Any) -> None:
        if request["ProcessingJobName"] in self.jobs:
            raise self.exceptions.ResourceInUse({"Error": {"Code": "ResourceInUse"}}, "CreateProcessingJob")
        self.jobs[request["ProcessingJobName"]] = request


class Tags:
    def __init__(self, tags: dict[str, dict[str, str]]) -> None:
        self.tags = tags

    def paginate(self, ResourceArn: str) -> Any:
        if ResourceArn not in self.tags:
            raise error("ResourceNotFound", "ListTags")
        return [{"Tags": [{"Key": key, "Value": value}]} for key, value in self.tags[ResourceArn].items()]


class Parameters:
    """SSM's parameters."""

    class exceptions:
        class ParameterNotFound(ClientError):
            pass

    def __init__(self, **values: str) -> None:
        self.values = dict(values)

    def put_parameter(self, Name: str, Value: str, **_: Any) -> None:
        self.values[Name] = Value

    def get_parameter(self, Name: str) -> dict[str, Any]:
        if Name not in self.values:
            raise self.exceptions.ParameterNotFound({"Error": {"Code": "ParameterNotFound"}}, "GetParameter")
        return {"Parameter": {"Value": self.values[Name]}}

    def delete_parameter(self, Name: str) -> None:
        del self.values[Name]

    def get_paginator(self, operation: str) -> Any:
        assert operation == "get_parameters_by_path"
        return self

    def paginate(self, Path: str) -> list[dict[str, Any]]:
        found = [{"Name": name, "Value": value} for name, value in self.values.items() if name.startswith(f"{Path}/")]
        return [{"Parameters": [item]} for item in found]


class Scaling:
    """Application Auto Scaling with these targets."""

    def __init__(self, *targets: str) -> None:
        self.targets = targets

    def get_paginator(self, operation: str) -> Any:
        assert operation == "describe_scalable_targets"
        return Pages("ScalableTargets", [{"ResourceId": target} for target in self.targets])


class CloudWatch:
    """Sums of requests by endpoint and metric, and what was put."""

    def __init__(self, requests: dict[tuple[str, str], float] | None = None) -> None:
        self.requests = requests or {}
        self.put: list[dict[str, Any]] = []
        self.windows: list[tuple[datetime, datetime]] = []

    def get_metric_statistics(self, **request: Any) -> dict[str, Any]:
        assert request["Namespace"] == "AWS/SageMaker"
        assert request["Statistics"] == ["Sum"]
        self.windows.append((request["StartTime"], request["EndTime"]))
        dimensions = {item["Name"]: item["Value"] for item in request["Dimensions"]}
        assert set(dimensions) == {"EndpointName", "VariantName"}
        found = self.requests.get((dimensions["EndpointName"], request["MetricName"]))
        return {"Datapoints": [] if found is None else [{"Sum": 0.0}, {"Sum": found}]}

    def put_metric_data(self, **request: Any) -> None:
        self.put.append(request)


class Topics:
    """What was published."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def publish(self, **request: Any) -> None:
        assert len(request["Subject"]) <= 100
        self.messages.append(request)
