"""The XGBoost algorithm of SageMaker: what ``sagemaker-xgboost`` does when the job or model names no script.

SageMaker developer guide, "XGBoost algorithm with Amazon SageMaker AI" and "XGBoost hyperparameters".
"""
