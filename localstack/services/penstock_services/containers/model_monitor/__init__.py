"""The program of the image `sagemaker-model-monitor-analyzer`: baselines, and violations of them.

Contract: Amazon SageMaker developer guide, "Container Contract Inputs" and "Contract Container Outputs" of Model
Monitor. Without a baseline in its environment the container suggests one; with one it also judges the data by it.
"""
