"""The program of the image `sagemaker-model-monitor-groundtruth-merger`: labels joined to what an endpoint captured.

Developer guide, "Ingest Ground Truth labels and merge them with predictions".
"""
