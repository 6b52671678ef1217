"""Notebook instances and Studio's JupyterLab: behind each is a real JupyterLab in a sandbox of this machine.

- ``program`` runs in JupyterLab's own environment; ``jupyterlab`` starts it and what its kernels need, ``scripts`` runs
  the scripts of life-cycle configurations before it;
- ``instances`` are notebook instances, ``apps`` and ``domain_urls`` Studio's apps;
- ``owners`` are the spaces and users whose files Studio's apps work on.

(Amazon SageMaker developer guide, "Amazon SageMaker notebook instances" and "SageMaker JupyterLab".)
"""

from penstock_services.sagemaker.notebooks import apps, domain_urls, instances, owners

__all__ = ["apps", "domain_urls", "instances", "owners"]
