"""SageMaker Pipelines: definitions checked when they are stored, executions that really run."""

from penstock_services.sagemaker.pipelines import callbacks as callbacks
from penstock_services.sagemaker.pipelines import operations as operations
from penstock_services.sagemaker.pipelines import starting as starting
from penstock_services.sagemaker.pipelines import versions as versions
