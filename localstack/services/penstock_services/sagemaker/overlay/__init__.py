"""What botocore's model cannot say about the kinds that are served: ARN types, life cycles and error texts.

One module an area. The texts are AWS's, for clients that match on them (the Terraform and Pulumi providers do).
"""

from __future__ import annotations

from penstock_services.sagemaker.overlay import (
    experiments,
    images,
    jobs,
    monitoring,
    people,
    registry,
    running,
    serving,
    studio,
    training,
)
from penstock_services.sagemaker.overlay.entry import Answers, Children, Overlay, Problem
from penstock_services.sagemaker.overlay.refused import REFUSED

OVERLAYS: dict[str, Overlay] = {
    **serving.KINDS,
    **training.KINDS,
    **jobs.KINDS,
    **registry.KINDS,
    **experiments.KINDS,
    **studio.KINDS,
    **images.KINDS,
    **monitoring.KINDS,
    **people.KINDS,
    **running.KINDS,
}

__all__ = ["OVERLAYS", "REFUSED", "Answers", "Children", "Overlay", "Problem"]
