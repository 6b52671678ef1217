"""Development, staging and production in three accounts of one local cloud, with one registry: development's.

Programs and stack files are those that a user has, changed as "One account or three" of infra/README.md says: dev's files name
accounts in `sharedWith`. Beside them only the credentials differ. A version is registered and approved in dev and deployed in
production, which dev shares with, by what `penstock deploy` does; staging is shared with later, and refused until then.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from botocore.exceptions import ClientError
from cookiecutter.main import cookiecutter

from penstock_ci import registry, releases
from penstock_ci.errors import UserError
from penstock_ci.registry import Version
from penstock_ci.repository import Repository
from penstock_ci.target import Target
from penstock_cloud import cloud
from penstock_deploy import Deployment, Result

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PLATFORM = ("foundation", "datalake", "featurestore", "training")
ACCOUNTS = {"dev": "111111111111", "staging": "333333333333", "prod": "222222222222"}
REGION = "us-east-1"
SCORES = "0.25\n0.5\n"
VERSION_ACTIONS = ("CreateModel", "DescribeModelPackage", "DescribeModelPackageGroup", "ListModelPackages")
SERVE = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
scores = open(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml") + "/model/scores.csv", "rb").read()
class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()
        self.wfile.write(scores)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def succeeded(result: Result) -> Result:
    assert result.ok, "\n".join(result.diagnostics)
    return result


@dataclass(frozen=True)
class Company:
    """Three accounts, as whoever has the credentials of one sees it, and the model repository that all deploy."""

    targets: dict[str, Target]
    repository: Repository
    state: Path

    def deployment(self, stack: str, project: str) -> Deployment:
        """A project's stack by its own stack file, worked on with the credentials of the stack's account."""
        platform = project in PLATFORM
        folder = ROOT / "infra/projects" / project if platform else self.repository.infrastructure
        changes = {}
        if stack == "dev" and project in ("foundation", "training"):
            changes[f"penstock-{project}:sharedWith"] = json.dumps([ACCOUNTS["prod"]])
        if stack == "dev" and project == "training":
            # Nothing here is tracked, and a server takes its time to start.
            changes["penstock-training:experimentTracking"] = "off"
        return Deployment(folder, stack, environment=self.targets[stack].environment, configuration=changes)

    def share_versions(self, *stacks: str) -> None:
        """Write into the repository's `Pulumi.dev.yaml` whom dev shares the model's versions with."""
        file = self.repository.infrastructure / "Pulumi.dev.yaml"
        content = yaml.safe_load(file.read_text())
        content["config"][f"{self.repository.name}:sharedWith"] = [ACCOUNTS[stack] for stack in stacks]
        file.write_text(yaml.safe_dump(content))

    def deploy(self, stack: str, version: Version) -> releases.Release:
        """What `penstock deploy --stack` does."""
        quiet = self.targets[stack], self.repository, version, lambda _event: None, lambda _text: None
        return releases.deploy(*quiet)

    def ask(self, stack: str, endpoint: str) -> str:
        runtime = self.targets[stack].client("sagemaker-runtime")
        answer = runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=b"1,2\n3,4\n")
        return str(answer["Body"].read().decode())


@pytest.fixture(scope="module")
def company(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The platform and the model's stack of all three accounts up, dev first: its registry is the others'."""
    folder = tmp_path_factory.mktemp("baked")
    root = Path(cookiecutter(str(ROOT / "templates/model"), no_input=True, output_dir=str(folder)))
    if not (root / "pipeline.json").exists():
        steps = [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "nothing to do"}}]
        (root / "pipeline.json").write_text(json.dumps({"Version": "2020-12-01", "Steps": steps}))
    state = Path(environment["HOME"])
    github = {"GITHUB_API_URL": "http://127.0.0.1:9", "GITHUB_TOKEN": "a-token-of-nobody"}
    targets = {
        stack: Target(
            "local", stack, {**environment, **github, "AWS_ACCESS_KEY_ID": account}, REGION, cloud.info(state)
        )
        for stack, account in ACCOUNTS.items()
    }
    made = Company(targets, Repository(root), state)
    made.share_versions("prod")
    for stack in ACCOUNTS:
        for project in (*PLATFORM, "infra"):
            succeeded(made.deployment(stack, project).up())
    return made


@pytest.fixture(scope="module")
def version(company: Company) -> Version:
    """A version in dev's registry, registered as the pipeline does and approved there; its image and artifact are dev's."""
    dev = company.targets["dev"]
    image = company.deployment("dev", "training").outputs()["imageRepositoryUrl"]
    _push(company.state, image)
    bucket = company.deployment("dev", "foundation").outputs()["artifactBucket"]
    artifact = io.BytesIO()
    with tarfile.open(fileobj=artifact, mode="w:gz") as archive:
        member = tarfile.TarInfo("scores.csv")
        member.size = len(SCORES)
        archive.addfile(member, io.BytesIO(SCORES.encode()))
    for name, content in {
        "model.tar.gz": artifact.getvalue(),
        "evaluation.json": b'{"metrics": {"auc": 0.7, "rows": 2}}',
        "smoke.csv": b"1,2\n3,4\n",
        "smoke.expected.csv": SCORES.encode(),
    }.items():
        dev.client("s3").put_object(Bucket=bucket, Key=f"models/1/{name}", Body=content)
    evaluation = {"ContentType": "application/json", "S3Uri": f"s3://{bucket}/models/1/evaluation.json"}
    arn = dev.client("sagemaker").create_model_package(
        ModelPackageGroupName=company.deployment("dev", "infra").outputs()["modelPackageGroup"],
        InferenceSpecification={
            "Containers": [{"Image": f"{image}:v1", "ModelDataUrl": f"s3://{bucket}/models/1/model.tar.gz"}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
        ModelMetrics={"ModelQuality": {"Statistics": evaluation}},
        CustomerMetadataProperties={"model_digest": hashlib.sha256(artifact.getvalue()).hexdigest()},
    )["ModelPackageArn"]
    registry.decide(dev, registry.by_arn(dev, arn), "Approved", "fine")
    return registry.by_arn(dev, arn)


def _push(state: Path, repository: str) -> None:
    """What `penstock build` leaves of an image."""
    serve = state / "image" / "serve"
    serve.parent.mkdir()
    serve.write_text(f"#!{sys.executable}\n{SERVE}")
    serve.chmod(0o755)
    record = {
        "repository": repository,
        "digest": f"sha256:{'a' * 64}",
        "tags": ["v1"],
        "python": sys.executable,
        "path": [str(serve.parent)],
        "environment": {},
        "entrypoint": None,
    }
    (state / "images" / f"{'a' * 64}.json").write_text(json.dumps(record))


def refused(stack: str, action: str) -> str:
    """What AWS says, as a pattern."""
    return (
        rf"User: arn:aws:iam::{ACCOUNTS[stack]}:root is not authorized to perform: sagemaker:{action} on resource: "
        rf"arn:aws:sagemaker:{REGION}:{ACCOUNTS['dev']}:model-package\S+ because no resource-based policy allows the "
        rf"sagemaker:{action} action"
    )


def test_each_stack_is_in_its_account(company: Company) -> None:
    """Nothing that a stack made is another account's; what it reads of dev's registry is."""
    for stack, account in ACCOUNTS.items():
        foundation = company.deployment(stack, "foundation").outputs()
        assert (foundation["account"], foundation["registryAccount"]) == (account, ACCOUNTS["dev"])
        buckets = [each["Name"] for each in company.targets[stack].client("s3").list_buckets()["Buckets"]]
        assert buckets
        assert all(name.startswith(f"penstock-{stack}-") for name in buckets)
        for project in (*PLATFORM, "infra"):
            arns = [
                str(resource["outputs"].get("arn", "")) for resource in company.deployment(stack, project).resources()
            ]
            owners = {arn.split(":")[4] for arn in arns if arn.startswith("arn:")}
            assert owners <= {account, ""}, (stack, project)


def test_production_finds_the_versions_of_development(company: Company, version: Version) -> None:
    prod = company.targets["prod"]
    assert [(each.arn, each.approval) for each in registry.versions(prod, company.repository.name)] == [
        (version.arn, "Approved")
    ]
    assert version.arn.split(":")[4] == ACCOUNTS["dev"]


def test_what_a_version_is_made_of_is_shared_with_production_alone(company: Company, version: Version) -> None:
    """The documents that AWS decides by, as they are in dev's account; the local S3, KMS and ECR decide nothing."""
    dev = company.targets["dev"]
    foundation, image = (company.deployment("dev", project).outputs() for project in ("foundation", "training"))
    repository = image["imageRepositoryUrl"].partition("/")[2]
    documents = {
        "artifacts": dev.client("s3").get_bucket_policy(Bucket=foundation["artifactBucket"])["Policy"],
        "key": dev.client("kms").get_key_policy(KeyId=foundation["artifactKeyArn"], PolicyName="default")["Policy"],
        "image": dev.client("ecr").get_repository_policy(repositoryName=repository)["policyText"],
        "versions": dev.client("sagemaker").get_model_package_group_policy(
            ModelPackageGroupName=version.arn.split("/")[1]
        )["ResourcePolicy"],
    }

    def allowed(stack: str, document: str) -> set[str]:
        root = f"arn:aws:iam::{ACCOUNTS[stack]}:root"
        statements = [each for each in json.loads(document)["Statement"] if each["Effect"] == "Allow"]
        return {
            action
            for statement in statements
            if root in statement["Principal"].get("AWS", ())
            for action in statement["Action"]
        }

    assert {name: allowed("prod", document) for name, document in documents.items()} == {
        "artifacts": {"s3:GetBucketLocation", "s3:ListBucket", "s3:GetObject", "s3:GetObjectVersion"},
        "key": {"kms:Decrypt", "kms:DescribeKey"},
        "image": {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"},
        "versions": {f"sagemaker:{action}" for action in VERSION_ACTIONS},
    }
    assert not any(allowed("staging", document) for document in documents.values())


def test_production_does_not_approve(company: Company, version: Version) -> None:
    with pytest.raises(ClientError, match=refused("prod", "UpdateModelPackage")):
        registry.decide(company.targets["prod"], version, "Rejected", "not here")


def test_production_deploys_and_answers(company: Company, version: Version) -> None:
    """By the model's own program: artifact and image are dev's, model and endpoint production's."""
    (found,) = registry.versions(company.targets["prod"], company.repository.name)
    release = company.deploy("prod", found)
    assert release.smoke["predictions"] == [0.25, 0.5]
    sagemaker = company.targets["prod"].client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=release.endpoint)
    assert (endpoint["EndpointStatus"], endpoint["EndpointArn"].split(":")[4]) == ("InService", ACCOUNTS["prod"])
    model = sagemaker.describe_model(ModelName=company.deployment("prod", "infra").outputs()["modelName"])
    assert model["PrimaryContainer"]["ModelPackageName"] == version.arn
    assert company.ask("prod", release.endpoint) == SCORES
    for stack in ("dev", "staging"):
        with pytest.raises(ClientError, match=f"Endpoint {release.endpoint} of account {ACCOUNTS[stack]} not found"):
            company.ask(stack, release.endpoint)
    unchanged = company.deployment("prod", "infra")
    assert succeeded(unchanged.refresh()).changes == []
    assert succeeded(unchanged.preview()).changes == []


def test_staging_is_refused_until_development_shares_with_it(company: Company, version: Version) -> None:
    """In AWS's words: to whoever looks for versions, and to the program that is told to serve one."""
    staging, model = company.targets["staging"], company.repository.name
    with pytest.raises(UserError, match=refused("staging", "ListModelPackages")):
        registry.versions(staging, model)
    staging.client("ssm").put_parameter(Name=releases.parameter(staging, model), Value=version.arn, Type="String")
    result = company.deployment("staging", "infra").up()
    assert not result.ok
    assert re.search(refused("staging", "CreateModel"), "\n".join(result.errors))

    company.share_versions("prod", "staging")
    assert succeeded(company.deployment("dev", "infra").up()).counts["update"] == 1
    assert [each.arn for each in registry.versions(staging, model)] == [version.arn]
    endpoint = succeeded(company.deployment("staging", "infra").up()).outputs["endpointName"]
    assert company.ask("staging", endpoint) == SCORES
