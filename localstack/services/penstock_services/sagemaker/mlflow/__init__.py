"""MLflow tracking servers and apps: each is a real MLflow server of this machine.

- ``serving`` is the script of one server, which ``program`` runs by the interpreter of MLflow's own environment;
- ``tracking_servers`` and ``apps`` are the two kinds of SageMaker's API, ``resource`` what they have in common;
- ``proxy`` hands on what MLflow's clients send with the ARN of a server as their tracking URI.

(Amazon SageMaker developer guide, "Accelerate generative AI development using managed MLflow on Amazon SageMaker AI".)
"""

from penstock_services.sagemaker.mlflow import apps, proxy, tracking_servers

routes = proxy.ROUTES

__all__ = ["apps", "proxy", "routes", "tracking_servers"]
