"""Models, endpoints and shadow tests on them."""

from __future__ import annotations

from penstock_services.sagemaker.overlay.entry import Overlay, invalid

KINDS: dict[str, Overlay] = {
    "Model": Overlay(
        "model",
        missing=invalid('Could not find model "{arn}".'),
        exists=invalid('Cannot create already existing model "{arn}".'),
        why="names an image and an artifact; nothing is loaded before an endpoint or a job uses it",
    ),
    "EndpointConfig": Overlay(
        "endpoint-config",
        missing=invalid('Could not find endpoint configuration "{arn}".'),
        exists=invalid('Cannot create already existing endpoint configuration "{arn}".'),
        why="settings that an endpoint is made from; AWS lets it go while an endpoint uses it",
    ),
    "Endpoint": Overlay(
        "endpoint",
        missing=invalid('Could not find endpoint "{arn}".'),
        exists=invalid('Cannot create already existing endpoint "{arn}".'),
        initial="Creating",
        answers="real",
        why="serves models",
        any_case=True,
    ),
    "InferenceComponent": Overlay(
        "inference-component",
        missing=invalid('Could not find inference component "{arn}".'),
        exists=invalid('Cannot create already existing inference component "{arn}".'),
        initial="Creating",
        answers="real",
        parents=(("EndpointName", "Endpoint"),),
        why="places copies of a model on an endpoint's instances",
    ),
    "InferenceExperiment": Overlay(
        "inference-experiment",
        parents=(("EndpointName", "Endpoint"),),
        initial="Creating",
        settled="Created",
        answers="real",
        why="copies an endpoint's requests to a shadow variant",
    ),
}
