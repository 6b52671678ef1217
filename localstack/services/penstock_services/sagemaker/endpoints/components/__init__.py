"""Inference components: copies of models that share the instances of an endpoint.

https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deploy-models.html. ``specification`` reads what is
asked for, ``placement`` finds room for copies on instances, ``copies`` runs them, and ``component`` holds what serves at
the moment. ``operations`` has the life cycle, ``updating`` how an update goes, ``routing`` finds a request's way.
"""
