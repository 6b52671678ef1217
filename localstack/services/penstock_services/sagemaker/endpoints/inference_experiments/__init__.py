"""Inference experiments: shadow tests that begin and end by a schedule.

``request`` says what is refused, ``schedule`` when an experiment runs, ``variants`` which configurations the endpoint gets
for it. ``life_cycle`` takes the endpoint through them, ``description`` tells how far it is, and ``operations`` are the
API's verbs.
"""

from penstock_services.sagemaker.endpoints.inference_experiments import life_cycle, operations

__all__ = ["life_cycle", "operations"]
