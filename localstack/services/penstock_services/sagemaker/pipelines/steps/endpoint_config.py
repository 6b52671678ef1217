"""EndpointConfig steps: they create an endpoint configuration."""

from __future__ import annotations

from penstock_services.sagemaker.pipelines.steps.base import Begun, Ended, Immediate, Run


class EndpointConfigStep(Immediate):
    """Creates an endpoint configuration and ends with its description."""

    def begin(self, run: Run) -> Begun:
        """CreateEndpointConfig."""
        arguments = run.arguments()
        arn = run.call("CreateEndpointConfig", arguments)["EndpointConfigArn"]
        description = run.call("DescribeEndpointConfig", {"EndpointConfigName": arguments["EndpointConfigName"]})
        return Begun({"EndpointConfig": {"Arn": arn}}, ended=Ended("Succeeded", description))


ENDPOINT_CONFIG = EndpointConfigStep()
