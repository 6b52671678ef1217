"""The variables of the local cloud that user code gets, so that any AWS client inside it works."""

from __future__ import annotations

from penstock_services.operations import Context


def cloud_variables(context: Context) -> dict[str, str]:
    """Endpoints, credentials and region; what a role and the network give a container on AWS."""
    own = context.settings.own_url
    return {
        "AWS_ENDPOINT_URL": context.settings.gateway_url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": own,
        "AWS_ENDPOINT_URL_SAGEMAKER_FEATURESTORE_RUNTIME": own,
        "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": own,
        "AWS_ACCESS_KEY_ID": context.scope.account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": context.scope.region,
        "AWS_DEFAULT_REGION": context.scope.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "LANG": "C.UTF-8",
    }
