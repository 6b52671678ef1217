"""Areas of which no operation is served, by the words in the operation's name, and why.

Where an operation's name holds none of these words, and neither the engine nor a module serves it, it is refused too.
"""

from __future__ import annotations

REFUSED: dict[str, str] = {
    "Cluster": "HyperPod clusters are instances of AWS",
    "ComputeQuota": "quotas of a HyperPod cluster",
    "Hub": "hubs hold AWS's own models",
    "Device": "AWS has ended SageMaker Edge Manager",
    "Edge": "AWS has ended SageMaker Edge Manager",
    "PartnerAppPresignedUrl": "there is no partner's product behind the address",
    "StartSession": "opens a shell into an instance of AWS",
    "RenderUiTemplate": "renders a page for a human task",
    "TrainingPlan": "reserved capacity is AWS's to sell",
    "ReservedCapacity": "reserved capacity is AWS's to sell",
    "UltraServers": "reserved capacity is AWS's to sell",
    "JobSchemaVersion": "schemas of serverless customization jobs",
    "ModelMetadata": "a catalogue of AWS's",
    "ScalingConfigurationRecommendation": "needs an inference recommendations job",
    "InferenceRecommendationsJobSteps": "needs an inference recommendations job",
}
