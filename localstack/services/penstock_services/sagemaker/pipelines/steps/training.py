"""Training steps."""

from penstock_services.sagemaker.pipelines.steps.job import JobStep

TRAINING = JobStep("TrainingJob")
