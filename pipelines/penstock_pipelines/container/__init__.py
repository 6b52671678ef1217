"""SageMaker's container contract: what runs between the platform and a model's own functions.

- `paths`: where things are under /opt/ml (or under $SAGEMAKER_BASE_DIR where /opt/ml cannot be made)
- `failure`: how a job tells why it failed
- `model`: how a model's module is found and which functions it must have
- `processing`: the entry of processing jobs
- `training`: the command `train`
- `serving`: the command `serve`
"""
