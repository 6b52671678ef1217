"""The provider without a cloud: its table against Pulumi's own SDK, names, checks, comparisons, endpoints."""

from __future__ import annotations

import importlib
import keyword
import threading
import time
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_deploy.plugins.interface import ProviderError, Subject
from penstock_deploy.provider import registry
from penstock_deploy.provider.clients import Aws
from penstock_deploy.provider.core import AwsProvider
from penstock_deploy.provider.resource_type import ResourceType
from penstock_deploy.provider.types.sagemaker.endpoint import Endpoint
from penstock_deploy.target import Target
from penstock_deploy.values import UNKNOWN, Secret

TARGET = Target("http://127.0.0.1:1", "us-east-1", "000000000000", "test")
SEED = b"0" * 32


def subject(token: str, name: str = "thing") -> Subject:
    return Subject(f"urn:pulumi:dev::app::{token}::{name}", token, name)


def provider(**configuration: Any) -> AwsProvider:
    return AwsProvider(TARGET, configuration)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("token", registry.tokens())
def test_the_table_agrees_with_the_sdk(token: str) -> None:
    """Every input of the table is one of pulumi_aws's, and so is every output; what it requires, the SDK knows."""
    from pulumi._types import input_type_py_to_pulumi_names

    _, module, name = token.split(":")
    service = module.split("/")[0]
    sdk = importlib.import_module(f"pulumi_aws.{service}{'_' if keyword.iskeyword(service) else ''}")
    cls = getattr(sdk, name)
    assert cls.pulumi_type == token
    state = importlib.import_module(cls.__module__)
    accepted = set(input_type_py_to_pulumi_names(getattr(state, f"_{name}State")).values())
    kind = registry.type_of(token)
    assert kind.names["inputs"] <= accepted, kind.names["inputs"] - accepted
    assert kind.names["outputs"] <= accepted, kind.names["outputs"] - accepted
    assert kind.names["required"] | kind.names["immutable"] <= kind.names["inputs"]
    assert set(kind.defaults) <= kind.names["inputs"]
    assert type(kind).create is not ResourceType.create
    assert type(kind).read is not ResourceType.read
    assert type(kind).delete is not ResourceType.delete


NAMED = [token for token in registry.tokens() if registry.type_of(token).named]


@given(name=st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-", min_size=1, max_size=200), seed=st.binary(min_size=8))
@pytest.mark.parametrize("token", NAMED)
def test_names_given_automatically_stay_within_limits(token: str, name: str, seed: bytes) -> None:
    kind = registry.type_of(token)
    required = dict.fromkeys(kind.names["required"] - {kind.named}, UNKNOWN)
    inputs = provider().check(subject(token, name), {}, required, seed)
    given_name = inputs[kind.named]
    assert 0 < len(given_name) <= kind.name_limit
    assert kind.named in inputs["__defaults"]
    again = provider().check(subject(token, name), inputs, required, b"another seed")
    assert again[kind.named] == given_name


def test_a_replacement_gets_another_name() -> None:
    token = "aws:sns/topic:Topic"
    one = provider().check(subject(token), {}, {}, b"one")
    two = provider().check(subject(token), {}, {}, b"two")
    assert one["name"] != two["name"]
    assert one["name"].startswith("thing-")


def test_prefixes() -> None:
    token = "aws:s3/bucket:Bucket"
    inputs = provider().check(subject(token), {}, {"bucketPrefix": "data-"}, SEED)
    assert inputs["bucket"].startswith("data-")
    kept = provider().check(subject(token), inputs, {"bucketPrefix": "data-"}, b"x")
    assert kept["bucket"] == inputs["bucket"]
    moved = provider().check(subject(token), inputs, {"bucketPrefix": "other-"}, b"x")
    assert moved["bucket"].startswith("other-")


@pytest.mark.parametrize(
    ("token", "inputs", "message"),
    [
        ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b"}, "policy is required"),
        ("aws:s3/bucket:Bucket", {"buckett": "b"}, "buckett is not a property that the local provider knows of"),
        ("aws:kms/alias:Alias", {"name": "x", "targetKeyId": "k"}, "name must begin with 'alias/'"),
        ("aws:sagemaker/pipeline:Pipeline",
         {"pipelineName": "p", "pipelineDisplayName": "p", "pipelineDefinition": "{"}, "is not JSON"),
    ],
)  # fmt: skip
def test_checks(token: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(ProviderError, match=message):
        provider().check(subject(token), {}, inputs, SEED)


def test_an_unknown_type_is_named_with_what_is_near() -> None:
    with pytest.raises(ProviderError, match="aws:s3/buckett:Buckett") as error:
        registry.type_of("aws:s3/buckett:Buckett")
    assert "Did you mean aws:s3/bucket:Bucket?" in error.value.fix


def compare(token: str, old: dict[str, Any], new: dict[str, Any], outputs: dict[str, Any] | None = None) -> Any:
    one = provider()
    olds = one.check(subject(token), {}, old, SEED)
    news = one.check(subject(token), olds, new, SEED)
    return one.diff(subject(token), "id", olds, outputs or {}, news, [])


def test_policies_compare_by_meaning() -> None:
    one = '{"Statement": [{"Effect": "Allow", "Action": ["a", "b"], "Resource": ["x"]}]}'
    two = '{"Statement": {"Resource": "x", "Action": ["b", "a"], "Effect": "Allow"}}'
    three = two.replace('"x"', '"y"')
    token = "aws:iam/policy:Policy"
    assert not compare(token, {"policy": one}, {"policy": two}).changes
    assert compare(token, {"policy": one}, {"policy": three}).detailed.keys() == {"policy"}


def test_differences_name_the_deepest_path() -> None:
    rules = [{"id": "a", "status": "Enabled", "expiration": {"days": 1}}]
    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    changed = [{"id": "a", "status": "Enabled", "expiration": {"days": 2}}]
    diff = compare(token, {"bucket": "b", "rules": rules}, {"bucket": "b", "rules": changed})
    assert list(diff.detailed) == ["rules[0].expiration.days"]
    assert not diff.replaces


def test_automatic_names_are_created_before_the_old_is_deleted() -> None:
    variants = [{"modelName": "m", "instanceType": "ml.m5.large"}]
    token = "aws:sagemaker/endpointConfiguration:EndpointConfiguration"
    other = {"productionVariants": [{"modelName": "n", "instanceType": "ml.m5.large"}]}
    auto = compare(token, {"productionVariants": variants}, other)
    assert auto.replaces == ["productionVariants"]
    assert not auto.delete_before_replace
    fixed = compare(token, {"productionVariants": variants, "name": "c"}, {**other, "name": "c"})
    assert fixed.delete_before_replace


def test_a_feature_group_changes_in_place_only_where_the_real_provider_does() -> None:
    token = "aws:sagemaker/featureGroup:FeatureGroup"
    base = {"featureGroupName": "g", "recordIdentifierFeatureName": "id", "eventTimeFeatureName": "t", "roleArn": "r"}
    a, b, c = ({"featureName": name, "featureType": "String"} for name in "abc")
    for after in ([a, b, c], [a], [c, b]):
        diff = compare(token, {**base, "featureDefinitions": [a, b]}, {**base, "featureDefinitions": after})
        assert diff.replaces == ["featureDefinitions"]
    online = {"enableOnlineStore": True}
    group = {**base, "featureDefinitions": [a], "onlineStoreConfig": online}
    kept = {**online, "ttlDuration": {"unit": "Days", "value": 2}}
    assert not compare(token, group, {**group, "onlineStoreConfig": kept}).replaces
    assert compare(token, group, {**group, "onlineStoreConfig": {**online, "storageType": "InMemory"}}).replaces


def test_previews_leave_computed_outputs_unknown() -> None:
    token = "aws:sns/topic:Topic"
    one = provider(defaultTags='{"tags": {"team": "ml"}}')
    inputs = one.check(subject(token), {}, {"displayName": Secret("s"), "tags": {"a": "b"}}, SEED)
    id_, outputs = one.create(subject(token), inputs, preview=True)
    assert id_ == ""
    assert outputs["arn"] == UNKNOWN
    assert outputs["name"] == inputs["name"]
    assert outputs["displayName"] == Secret("s")
    assert outputs["tagsAll"] == {"team": "ml", "a": "b"}


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ({"accessKey": "AKIAREAL"}, "not an account of the local cloud"),
        ({"accessKey": "1234567890123"}, "not an account of the local cloud"),
        ({"endpoints": '[{"s3": "https://s3.amazonaws.com"}]'}, "not on this machine"),
        ({"assumeRoles": "[]"}, "the provider option assumeRoles"),
    ],
)
def test_the_provider_goes_nowhere_else(configuration: dict[str, str], message: str) -> None:
    with pytest.raises(ProviderError, match=message):
        provider(**configuration)


@pytest.mark.parametrize(
    "configuration",
    [
        {"allowedAccountIds": '["111111111111", "222222222222"]'},
        {"forbiddenAccountIds": '["000000000000"]'},
        {"accessKey": "111111111111", "allowedAccountIds": '["000000000000"]'},
        {"accessKey": "111111111111", "forbiddenAccountIds": '["111111111111"]'},
    ],
)
def test_accounts_that_the_configuration_does_not_allow(configuration: dict[str, str]) -> None:
    account = configuration.get("accessKey", "000000000000")
    with pytest.raises(ProviderError, match=f"^AWS account ID not allowed: {account}$"):
        provider(**configuration)


@pytest.mark.parametrize(
    "configuration",
    [
        {"allowedAccountIds": '["000000000000"]', "forbiddenAccountIds": '["111111111111"]'},
        {"allowedAccountIds": "[]"},
        {"allowedAccountIds": UNKNOWN},
        {"allowedAccountIds": ["111111111111", UNKNOWN]},
        {"accessKey": "111111111111", "allowedAccountIds": '["111111111111"]'},
    ],
)
def test_accounts_that_it_allows(configuration: dict[str, Any]) -> None:
    """Or may allow, once it is known."""
    assert provider(**configuration)


class EndpointService:
    """SageMaker's endpoints in memory: one settles after two looks; configurations named bad-* fail."""

    def __init__(self) -> None:
        session = botocore.session.Session()
        self.meta = type("Meta", (), {"service_model": session.get_service_model("sagemaker")})
        self.endpoints: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self._looks = 0

    def create_endpoint(self, **request: Any) -> dict[str, Any]:
        self.calls.append("create")
        self._begin(request["EndpointName"], request["EndpointConfigName"], "Creating")
        return {}

    def update_endpoint(self, **request: Any) -> dict[str, Any]:
        self.calls.append("update")
        self._begin(request["EndpointName"], request["EndpointConfigName"], "Updating")
        return {}

    def _begin(self, name: str, configuration: str, status: str) -> None:
        before = self.endpoints.get(name, {}).get("EndpointConfigName", configuration)
        self._looks = 0
        self.endpoints[name] = {
            "EndpointName": name,
            "EndpointArn": f"arn:{name}",
            "EndpointConfigName": before,
            "EndpointStatus": status,
            "_next": configuration,
        }

    def describe_endpoint(self, **request: Any) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        found = self.endpoints.get(request["EndpointName"])
        if found is None:
            error = {"Error": {"Code": "ValidationException", "Message": 'Could not find endpoint "e".'}}
            raise ClientError(error, "DescribeEndpoint")
        self._looks += 1
        if self._looks > 2 and found["EndpointStatus"] in ("Creating", "Updating"):
            if not found["_next"].startswith("bad-"):
                found.update(EndpointStatus="InService", EndpointConfigName=found["_next"])
            elif found["EndpointStatus"] == "Creating":
                found.update(EndpointStatus="Failed", FailureReason="the container did not answer the ping")
            else:
                found.update(EndpointStatus="InService", FailureReason="rolled back: no answer to the ping")
        return {key: value for key, value in found.items() if key != "_next"}

    def delete_endpoint(self, **request: Any) -> dict[str, Any]:
        self.calls.append("delete")
        self.endpoints.pop(request["EndpointName"])
        return {}

    def list_tags(self, **request: Any) -> dict[str, Any]:
        return {"Tags": []}


class OneClient:
    target = TARGET

    def __init__(self, service: EndpointService) -> None:
        self._service = service

    def get(self, service: str, region: str) -> EndpointService:
        return self._service


@pytest.fixture
def endpoints(monkeypatch: pytest.MonkeyPatch) -> EndpointService:
    monkeypatch.setattr("penstock_deploy.provider.types.sagemaker.base.POLL_SECONDS", 0.01)
    return EndpointService()


def aws(service: EndpointService, stopping: threading.Event | None = None) -> Aws:
    return Aws(OneClient(service), "us-east-1", stopping or threading.Event())  # type: ignore[arg-type]


def test_an_endpoint_is_waited_for_and_updated_in_place(endpoints: EndpointService) -> None:
    kind, cloud = Endpoint(), aws(endpoints)
    assert kind.create(cloud, {"name": "e", "endpointConfigName": "c1"}) == "e"
    found = kind.read(cloud, "e", {"endpointConfigName": "c1"})
    assert found is not None
    assert found["arn"] == "arn:e"
    new = {"name": "e", "endpointConfigName": "c2"}
    kind.update(cloud, "e", new, {"name": "e", "endpointConfigName": "c1"}, {"endpointConfigName"})
    assert endpoints.endpoints["e"]["EndpointConfigName"] == "c2"
    assert endpoints.calls == ["create", "update"]
    kind.delete(cloud, "e", new)
    assert kind.read(cloud, "e", {}) is None


def test_an_endpoint_that_fails_says_why_and_is_made_anew(endpoints: EndpointService) -> None:
    kind, cloud = Endpoint(), aws(endpoints)
    with pytest.raises(ProviderError, match="Endpoint e is Failed: the container did not answer the ping"):
        kind.create(cloud, {"name": "e", "endpointConfigName": "bad-1"})
    kind.update(cloud, "e", {"name": "e", "endpointConfigName": "good"}, {"name": "e"}, {"endpointConfigName"})
    assert endpoints.endpoints["e"]["EndpointStatus"] == "InService"
    assert endpoints.calls == ["create", "delete", "create"]


def test_an_update_that_was_rolled_back_fails(endpoints: EndpointService) -> None:
    kind, cloud = Endpoint(), aws(endpoints)
    kind.create(cloud, {"name": "e", "endpointConfigName": "c1"})
    with pytest.raises(ProviderError, match="e still serves c1: rolled back"):
        kind.update(cloud, "e", {"name": "e", "endpointConfigName": "bad-2"}, {}, {"endpointConfigName"})


def test_a_wait_ends_when_the_deployment_stops(endpoints: EndpointService) -> None:
    stopping = threading.Event()
    stopping.set()
    began = time.monotonic()
    with pytest.raises(ProviderError, match="stopped waiting for e, which is Creating"):
        Endpoint().create(aws(endpoints, stopping), {"name": "e", "endpointConfigName": "c1"})
    assert time.monotonic() - began < 5


def test_a_policy_document() -> None:
    document = registry.function_of("aws:iam/getPolicyDocument:getPolicyDocument")
    result = document(
        aws(EndpointService()),
        {
            "statements": [
                {"sid": "a", "actions": ["s3:Get", "s3:Put"], "resources": ["*"]},
                {"effect": "Deny", "principals": [{"type": "*", "identifiers": ["*"]}], "actions": ["x"],
                 "conditions": [{"test": "Bool", "variable": "v", "values": ["false"]}]},
            ]
        },
    )  # fmt: skip
    import json

    assert json.loads(result["json"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "a", "Effect": "Allow", "Action": ["s3:Get", "s3:Put"], "Resource": "*"},
            {"Effect": "Deny", "Action": "x", "Principal": "*", "Condition": {"Bool": {"v": "false"}}},
        ],
    }
