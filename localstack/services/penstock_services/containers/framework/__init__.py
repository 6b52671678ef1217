"""What AWS's framework images have as their entry point: ``train`` and ``serve`` for scikit-learn, XGBoost and PyTorch,
and ``smspark-submit`` of the Spark image.

Contracts: SageMaker developer guide, "Use Your Own Training Algorithms" and "Use Your Own Inference Code"; the toolkits
that the images are made with (sagemaker-training, sagemaker-inference), whose variables and file formats user code relies
on. The modules here run on Python 3.10 and later, with the standard library and the libraries of the image.
"""
