"""MLflow tracking servers and apps: each is a real MLflow server of this machine.

- ``serving`` is the program of one server, run by the interpreter of MLflow's own environment (``environment``);
- ``keeping`` starts servers in the background, keeps them up, and starts them again with this process;
- ``tracking_servers`` and ``apps`` are the two kinds of SageMaker's API;
- ``proxy`` hands on what MLflow's clients send with the ARN of a server as their tracking URI.

(Amazon SageMaker developer guide, "Accelerate generative AI development using managed MLflow on Amazon SageMaker AI".)
"""

from penstock_services.sagemaker.mlflow import apps, proxy, tracking_servers

routes = proxy.ROUTES

__all__ = ["apps", "proxy", "routes", "tracking_servers"]
