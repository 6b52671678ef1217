"""The program of the image `sagemaker-clarify-processing`: bias metrics and explanations of tabular models.

Contract: Amazon SageMaker developer guide, "Analysis Configuration Files" and "Analysis Results" of Clarify. Text and
images are refused by name.
"""
