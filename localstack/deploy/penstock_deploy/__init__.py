"""Brings Pulumi programs up on the local cloud: a deployment engine that speaks Pulumi's protocol, and an AWS provider.

    from penstock_deploy import Deployment

    result = Deployment(Path("infra"), "local", environment=cloud_environment).up()

On AWS the Pulumi CLI does this; here the same unmodified program runs against the local cloud, with state in Pulumi's own
file format.
"""

from penstock_deploy.deployment import Deployment
from penstock_deploy.errors import DeploymentError
from penstock_deploy.result import Result

__all__ = ["Deployment", "DeploymentError", "Result"]
