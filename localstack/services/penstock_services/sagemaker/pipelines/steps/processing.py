"""Processing steps."""

from penstock_services.sagemaker.pipelines.steps.job import JobStep

PROCESSING = JobStep("ProcessingJob")
