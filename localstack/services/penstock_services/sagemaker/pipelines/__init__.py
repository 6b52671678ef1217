"""SageMaker Pipelines: definitions checked when they are stored, executions that really run."""

from penstock_services.sagemaker.pipelines import operations as operations
