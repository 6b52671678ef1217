"""SageMaker: the control plane generated from botocore's model, and what really runs behind it."""
