"""Types of inputs: plain values, or Pulumi outputs that will hold them."""

from __future__ import annotations

from typing import Annotated, Any

import pulumi
from pydantic import InstanceOf, WithJsonSchema

type Later = Annotated[InstanceOf[pulumi.Output[Any]], WithJsonSchema({"type": "string"})]
"""A string that is known when the resource exists."""

type Text = str | Later
"""A string, now or later."""
