"""Images that Studio offers, and their versions."""

from __future__ import annotations

from penstock_services.sagemaker.overlay.entry import Overlay, in_use, not_found

KINDS: dict[str, Overlay] = {
    "Image": Overlay(
        "image",
        missing=not_found("Image with the name {name} does not exist."),
        exists=in_use("Image with the name {name} already exists."),
        initial="CREATING",
        settled="CREATED",
        updating="UPDATING",
        updated="CREATED",
        deleting="DELETING",
        cascades=("ImageVersion",),
        why="a name and a role; the container image stays in ECR",
    ),
    "ImageVersion": Overlay(
        "image-version",
        missing=not_found("ImageVersion {name} does not exist."),
        exists=in_use("ImageVersion {name} already exists."),
        keys=("ImageName", "Version", "Alias"),
        tail=lambda record: f"{record['ImageName']}/{record['Version']}",
        parents=(("ImageName", "Image"),),
        initial="CREATING",
        settled="CREATED",
        deleting="DELETING",
        why="points at a container image",
    ),
}
