"""The lake's database in the Glue catalogue."""

from __future__ import annotations

import pulumi
from pulumi_aws import glue

from penstock_infra import naming
from penstock_infra.components.component import Arguments, Component
from penstock_infra.inputs import Text


class CatalogueArguments(Arguments):
    """The bucket that tables without a place of their own are kept in."""

    curated_bucket: Text


class Catalogue(Component):
    """A Glue database for the lake's tables. The first million objects are free, then 1 USD for 100,000 a month."""

    TYPE = "penstock:lake:Catalogue"

    database: pulumi.Output[str]

    def __init__(self, name: str, args: CatalogueArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        database = glue.CatalogDatabase(
            name,
            name=args.placement.name(naming.DATABASE, "lake"),
            description="Tables of the data lake",
            location_uri=pulumi.Output.concat("s3://", args.curated_bucket, "/tables"),
            tags=self.tags,
            opts=self.child(),
        )
        self.database = database.name
        self.finish({"database": self.database})
