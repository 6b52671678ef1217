"""An AWS provider over botocore for the local cloud: stands in for `pulumi-resource-aws`, type by type."""

VERSION = "7.51.1"
