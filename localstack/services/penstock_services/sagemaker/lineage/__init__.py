"""ML lineage: artifacts, contexts, actions and trial components, how they are connected, and queries over them.

What jobs, model packages and endpoints leave in it is written by ``jobs``, ``packages`` and ``endpoints``, as AWS does
it by itself (https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html).
"""

from penstock_services.sagemaker.lineage import associations as associations
from penstock_services.sagemaker.lineage import endpoints as endpoints
from penstock_services.sagemaker.lineage import groups as groups
from penstock_services.sagemaker.lineage import jobs as jobs
from penstock_services.sagemaker.lineage import packages as packages
from penstock_services.sagemaker.lineage import query as query
