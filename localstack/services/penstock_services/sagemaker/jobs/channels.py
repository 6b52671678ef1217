"""Input channels of training jobs.

File and FastFile: the channel's objects are files below /opt/ml/input/data/<channel> before the command starts. On AWS
FastFile fetches an object's bytes when they are read; what the command sees is the same. Pipe: see pipes.py.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from penstock_services.execution import transfer
from penstock_services.execution.transfer import Item
from penstock_services.sagemaker.jobs.base import Record
from penstock_services.sagemaker.jobs.cluster import Instance


@dataclass(frozen=True)
class Channel:
    """One channel as one host sees it: host ``index`` of the ``count`` that get it."""

    described: Record
    default_mode: str
    index: int
    count: int

    @property
    def name(self) -> str:
        """The channel's name."""
        return str(self.described["ChannelName"])

    @property
    def mode(self) -> str:
        """File, FastFile or Pipe."""
        return str(self.described.get("InputMode", self.default_mode))

    @property
    def source(self) -> Record:
        """The S3DataSource."""
        source: Record = self.described["DataSource"]["S3DataSource"]
        return source

    @property
    def compressed(self) -> bool:
        """Whether objects are decompressed on the way."""
        return self.described.get("CompressionType") == "Gzip"

    @property
    def record_io(self) -> bool:
        """Whether each object becomes a RecordIO record."""
        return self.described.get("RecordWrapperType") == "RecordIO"

    @property
    def seed(self) -> int | None:
        """The seed for the order of objects, where it is to be shuffled."""
        shuffle = self.described.get("ShuffleConfig")
        return int(shuffle["Seed"]) if shuffle else None

    @property
    def sharded(self) -> bool:
        """Whether each host gets its part of the objects."""
        return self.source.get("S3DataDistributionType") == "ShardedByS3Key"

    def configuration(self) -> Record:
        """Its entry of ``inputdataconfig.json``."""
        return {
            "TrainingInputMode": self.mode,
            "S3DistributionType": self.source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": self.described.get("RecordWrapperType", "None"),
            **({"ContentType": self.described["ContentType"]} if "ContentType" in self.described else {}),
        }

    def items(self, client: Any, epoch: int = 0) -> list[Item]:
        """This host's objects in the order of an epoch. Raises TransferError for none at all."""
        found = transfer.items(client, self.source["S3Uri"], manifest=self.source["S3DataType"] == "ManifestFile")
        return self.chosen(found, epoch)

    def chosen[Any_](self, found: list[Any_], epoch: int) -> list[Any_]:
        """This host's part, shuffled as the channel says: by the seed and the epoch, the same on all hosts, so that a
        sharded channel deals the objects anew in each epoch."""
        if self.seed is not None:
            found = list(found)
            random.Random(f"{self.seed}-{epoch}").shuffle(found)  # noqa: S311 (an order, not a secret)
        return found[self.index :: self.count] if self.sharded else found


def of_host(record: Record, instances: list[Instance], number: int) -> list[Channel]:
    """The channels of the host of that index, from 0."""
    mode = record["AlgorithmSpecification"]["TrainingInputMode"]
    found = []
    for described in record.get("InputDataConfig", []):
        groups = described["DataSource"]["S3DataSource"].get("InstanceGroupNames")
        members = [index for index, each in enumerate(instances) if not groups or each.group in groups]
        if number in members:
            found.append(Channel(described, mode, members.index(number), len(members)))
    return found
