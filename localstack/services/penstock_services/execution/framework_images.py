"""AWS's own images: which of them run here, and what stands for each.

An image is known by its repository and by the account of the registry, which must be AWS's; the version is the beginning
of its tag. What stands for a version is a lock of the kit's (``requirements/images``) with the same minor version of its
library, or the nearest newer one, and then the difference is told. To add an image, add a ``Repository`` to ``REPOSITORIES``.

Registry paths and versions: SageMaker developer guide, "Docker Registry Paths and Example Code", and
https://github.com/aws/deep-learning-containers/blob/master/available_images.md for the deep learning containers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from penstock_services.execution import aws_accounts

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.(?:com|com\.cn|eu)/"
    r"(?P<repository>[a-z0-9._/-]+?)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>sha256:[0-9a-f]+))?$"
)
_FRAMEWORK = "penstock_services.containers.framework"


class RefusedImageError(Exception):
    """One of AWS's images that does not run here; the text says why."""


@dataclass(frozen=True)
class Choice:
    """An environment that may stand for an image: its lock, the library that matters, and the Python versions that it
    can be made with, best first."""

    lock: str
    library: str
    pythons: tuple[str, ...]


@dataclass(frozen=True)
class Version:
    """A version of an image: the beginning of its tags, the library that AWS has in it, what may stand for it here."""

    tag: str
    library: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Repository:
    """A repository of AWS's: the registries' accounts, its versions, and the module that is the image's entry point.

    ``module`` None: the image has no command of its own, so that a job must name one. ``environment`` are variables of
    the image; ``packages`` the kit's packages that its program imports besides ``penstock_services``.
    """

    accounts: frozenset[str]
    versions: tuple[Version, ...]
    module: str | None = _FRAMEWORK
    environment: tuple[tuple[str, str], ...] = ()
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class FrameworkImage:
    """An image of AWS's as it is run here."""

    uri: str
    repository: Repository
    version: Version

    def note(self, lock: str, python: str) -> str:
        """What it runs with, and how that differs from AWS's."""
        choice = next(each for each in self.version.choices if each.lock == lock)
        text = f"{self.uri.rpartition('/')[2]} runs with {choice.library} on Python {python} here"
        if _minor(choice.library) == _minor(self.version.library):
            return text
        return f"{text}, in place of AWS's {self.version.library}"


def _minor(library: str) -> str:
    """Name and minor version of a library: "XGBoost 1.7"."""
    name, _, version = library.rpartition(" ")
    return f"{name} {'.'.join(version.split('.')[:2])}"


_NEW = ("3.12", "3.13")
_OLD = ("3.10", "3.11", "3.12", "3.13")

_SKLEARN_1_9 = Choice("sklearn-1.9", "scikit-learn 1.9.0", _NEW)
_SKLEARN_1_4 = Choice("sklearn-1.4", "scikit-learn 1.4.2", ("3.12", "3.10", "3.11"))
_SKLEARN_1_2 = Choice("sklearn-1.2", "scikit-learn 1.2.1", ("3.10", "3.11"))
_SKLEARN_1_0 = Choice("sklearn-1.0", "scikit-learn 1.0.2", ("3.10",))
_XGBOOST_3_2 = Choice("xgboost-3.2", "XGBoost 3.2.0", _NEW)
_XGBOOST_3_0 = Choice("xgboost-3.0", "XGBoost 3.0.5", _NEW)
_XGBOOST_1_7 = Choice("xgboost-1.7", "XGBoost 1.7.6", _OLD)
_XGBOOST_1_5 = Choice("xgboost-1.5", "XGBoost 1.5.2", ("3.10", "3.11"))
_TORCH_2_6 = Choice("pytorch-2.6", "PyTorch 2.6.0", _NEW)
_TORCH_2_10 = Choice("pytorch-2.10", "PyTorch 2.10.0", ("3.13", "3.12"))
_SPARK_3_5 = Choice("spark-3.5", "Spark 3.5.9", ("3.12", "3.11", "3.10"))
_BASE_PYTHON = Choice("base-python", "Python 3", _NEW)
_ANALYSIS = Choice("analysis", "Penstock's analyses 1", _NEW)

_SKLEARN = Repository(
    aws_accounts.ALGORITHMS,
    (
        Version("1.9-0", "scikit-learn 1.9.0", (_SKLEARN_1_9,)),
        Version("1.4-2", "scikit-learn 1.4.2", (_SKLEARN_1_4, _SKLEARN_1_9)),
        Version("1.2-1", "scikit-learn 1.2.1", (_SKLEARN_1_2, _SKLEARN_1_4, _SKLEARN_1_9)),
        Version("1.0-1", "scikit-learn 1.0.2", (_SKLEARN_1_0, _SKLEARN_1_2, _SKLEARN_1_4, _SKLEARN_1_9)),
        Version("0.23-1", "scikit-learn 0.23.2", (_SKLEARN_1_0, _SKLEARN_1_2, _SKLEARN_1_4, _SKLEARN_1_9)),
        Version("0.20.0", "scikit-learn 0.20.0", (_SKLEARN_1_0, _SKLEARN_1_2, _SKLEARN_1_4, _SKLEARN_1_9)),
    ),
    environment=(("PENSTOCK_FRAMEWORK", "sklearn"),),
)
_XGBOOST = Repository(
    aws_accounts.ALGORITHMS,
    (
        Version("3.2-0", "XGBoost 3.2.0", (_XGBOOST_3_2,)),
        Version("3.0-5", "XGBoost 3.0.5", (_XGBOOST_3_0,)),
        Version("1.7-1", "XGBoost 1.7.4", (_XGBOOST_1_7,)),
        Version("1.5-1", "XGBoost 1.5.2", (_XGBOOST_1_5, _XGBOOST_1_7)),
        Version("1.3-1", "XGBoost 1.3.3", (_XGBOOST_1_5, _XGBOOST_1_7)),
        Version("1.2-2", "XGBoost 1.2.0", (_XGBOOST_1_5, _XGBOOST_1_7)),
        Version("1.2-1", "XGBoost 1.2.0", (_XGBOOST_1_5, _XGBOOST_1_7)),
        Version("1.0-1", "XGBoost 1.0.0", (_XGBOOST_1_5, _XGBOOST_1_7)),
        Version("0.90-2", "XGBoost 0.90", (_XGBOOST_1_5, _XGBOOST_1_7)),
        Version("0.90-1", "XGBoost 0.90", (_XGBOOST_1_5, _XGBOOST_1_7)),
    ),
    environment=(("PENSTOCK_FRAMEWORK", "xgboost"),),
)
_TORCH = Repository(
    aws_accounts.DEEP_LEARNING,
    (
        *(Version(f"2.{minor}", f"PyTorch 2.{minor}", (_TORCH_2_10,)) for minor in (10, 9, 8, 7)),
        *(Version(f"2.{minor}", f"PyTorch 2.{minor}", (_TORCH_2_6,)) for minor in (6, 5, 4, 3, 2, 1, 0)),
    ),
    environment=(("PENSTOCK_FRAMEWORK", "pytorch"),),
)
_SPARK = Repository(
    aws_accounts.SPARK,
    tuple(Version(number, f"Spark {number}", (_SPARK_3_5,)) for number in ("3.5", "3.3", "3.2", "3.1", "3.0")),
    environment=(("PENSTOCK_FRAMEWORK", "spark"),),
)
_PYTHON = Repository(aws_accounts.BASE_PYTHON, (Version("1.0", "Python 3", (_BASE_PYTHON,)),))
_MODEL_MONITOR = Repository(
    aws_accounts.MODEL_MONITOR,
    (Version("", "Penstock's analyses 1", (_ANALYSIS,)), Version("latest", "Penstock's analyses 1", (_ANALYSIS,))),
    module="penstock_services.containers.model_monitor",
    packages=("penstock_pipelines",),
)
_GROUND_TRUTH_MERGER = Repository(
    aws_accounts.MODEL_MONITOR,
    (Version("", "Penstock's analyses 1", (_ANALYSIS,)), Version("latest", "Penstock's analyses 1", (_ANALYSIS,))),
    module="penstock_services.containers.ground_truth_merger",
    packages=("penstock_pipelines",),
)
_CLARIFY = Repository(
    aws_accounts.CLARIFY,
    (Version("1.0", "Penstock's analyses 1", (_ANALYSIS,)),),
    module="penstock_services.containers.clarify",
    packages=("penstock_pipelines",),
)

REPOSITORIES: dict[str, Repository] = {
    "sagemaker-scikit-learn": _SKLEARN,
    "sagemaker-xgboost": _XGBOOST,
    "pytorch-training": _TORCH,
    "pytorch-inference": _TORCH,
    "sagemaker-spark-processing": _SPARK,
    "sagemaker-base-python": _PYTHON,
    "sagemaker-base-python-38": _PYTHON,
    "sagemaker-base-python-310": _PYTHON,
    "sagemaker-base-python-311": _PYTHON,
    "sagemaker-model-monitor-analyzer": _MODEL_MONITOR,
    "sagemaker-model-monitor-groundtruth-merger": _GROUND_TRUTH_MERGER,
    "sagemaker-clarify-processing": _CLARIFY,
}
"""Name of a repository in AWS's registries -> what stands for its images."""

_REFUSED = {
    "xgboost": "XGBoost 0.72 is not to be had for a Python of today: use sagemaker-xgboost",
}
"""Repositories of AWS's that are known, and why they do not run here."""


def match(uri: str) -> FrameworkImage | None:
    """The image of AWS's that a URI names; None if it is none of AWS's that this kit knows. Raises RefusedImageError."""
    found = _URI.match(uri)
    if found is None:
        return None
    name, tag, account = found["repository"], found["tag"] or "", found["account"]
    if name in _REFUSED and account in aws_accounts.ALGORITHMS:
        message = f"the image {uri} does not run on the local cloud: {_REFUSED[name]}"
        raise RefusedImageError(message)
    repository = REPOSITORIES.get(name)
    if repository is None or account not in repository.accounts:
        return None
    if re.search(r"(^|[-.])(gpu|cu\d+|neuronx?)([-.]|$)", tag):
        message = f"the image {uri} is for accelerators, which the local cloud does not have: use its CPU image"
        raise RefusedImageError(message)
    for version in repository.versions:
        if tag == version.tag or tag.startswith((f"{version.tag}-", f"{version.tag}.")):
            return FrameworkImage(uri, repository, version)
    known = ", ".join(version.tag for version in repository.versions)
    message = f"the image {uri} does not run on the local cloud, which knows the versions {known} of {name}"
    raise RefusedImageError(message)
