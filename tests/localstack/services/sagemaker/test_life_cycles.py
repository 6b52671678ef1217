"""Life cycles, parents and children, ids and versions of the kinds of the engine."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.localstack.services.sagemaker.conftest import ControlPlane
from tests.localstack.services.sagemaker.inputs import unique

from penstock_services.errors import ServiceError

ROLE = "arn:aws:iam::000000000000:role/training"
DOMAIN = {"AuthMode": "IAM", "DefaultUserSettings": {"ExecutionRole": ROLE, "SecurityGroups": ["sg-12345678"]}}


def refused(plane: ControlPlane, operation: str, **request: Any) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        plane.call(operation, **request)
    return raised.value


def until(plane: ControlPlane, operation: str, member: str, wanted: str, **request: Any) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        answer = plane.call(operation, **request)
        if answer[member] == wanted:
            return answer
        assert time.monotonic() < deadline, answer
        time.sleep(0.002)


def gone(plane: ControlPlane, operation: str, **request: Any) -> ServiceError:
    deadline = time.monotonic() + 60
    while True:
        try:
            answer = plane.call(operation, **request)
        except ServiceError as error:
            return error
        assert time.monotonic() < deadline, answer
        time.sleep(0.002)


@pytest.fixture
def domain(control_plane: ControlPlane) -> str:
    name = unique()
    answer = control_plane.call("CreateDomain", DomainName=name, **DOMAIN)
    assert answer["DomainArn"] == f"arn:aws:sagemaker:us-east-1:000000000000:domain/{answer['DomainId']}"
    until(control_plane, "DescribeDomain", "Status", "InService", DomainId=answer["DomainId"])
    return str(answer["DomainId"])


def test_a_domain_is_known_by_its_id_and_keeps_what_an_update_does_not_give(
    control_plane: ControlPlane, domain: str
) -> None:
    assert domain.startswith("d-")
    change = {"ExecutionRole": ROLE + "2"}
    control_plane.call("UpdateDomain", DomainId=domain, DefaultUserSettings=change)
    described = until(control_plane, "DescribeDomain", "Status", "InService", DomainId=domain)
    assert described["DefaultUserSettings"] == {"ExecutionRole": ROLE + "2", "SecurityGroups": ["sg-12345678"]}
    assert not {"KmsKeyId", "HomeEfsFileSystemId", "Url"} & set(described), "nothing is invented"


def test_a_domain_with_users_spaces_cannot_be_deleted(control_plane: ControlPlane, domain: str) -> None:
    user = {"DomainId": domain, "UserProfileName": "ann"}
    answer = control_plane.call("CreateUserProfile", **user)
    assert answer["UserProfileArn"].endswith(f":user-profile/{domain}/ann")
    error = refused(control_plane, "DeleteDomain", DomainId=domain)
    assert error.code == "ResourceInUse"
    assert "because UserProfile(s) are associated with it" in error.message
    assert refused(control_plane, "CreateUserProfile", **user).code == "ResourceInUse"
    until(control_plane, "DescribeUserProfile", "Status", "InService", **user)
    control_plane.call("DeleteUserProfile", **user)
    assert gone(control_plane, "DescribeUserProfile", **user).code == "ResourceNotFound"
    control_plane.call("DeleteDomain", DomainId=domain, RetentionPolicy={"HomeEfsFileSystem": "Delete"})
    assert gone(control_plane, "DescribeDomain", DomainId=domain).code == "ResourceNotFound"
    assert refused(control_plane, "CreateUserProfile", **user).code == "ResourceNotFound"


def test_users_are_listed_by_domain(control_plane: ControlPlane, domain: str) -> None:
    other = control_plane.call("CreateDomain", DomainName=unique(), **DOMAIN)["DomainId"]
    for where, name in ((domain, "ann"), (domain, "bob"), (other, "ann")):
        control_plane.call("CreateUserProfile", DomainId=where, UserProfileName=name)
    rows = control_plane.call("ListUserProfiles", DomainIdEquals=domain, SortOrder="Ascending")["UserProfiles"]
    assert [(row["DomainId"], row["UserProfileName"]) for row in rows] == [(domain, "ann"), (domain, "bob")]
    rows = control_plane.call("ListUserProfiles", DomainIdEquals=domain, UserProfileNameContains="bo")["UserProfiles"]
    assert [row["UserProfileName"] for row in rows] == ["bob"]


def test_spaces_show_their_settings_in_short(control_plane: ControlPlane, domain: str) -> None:
    control_plane.call(
        "CreateSpace",
        DomainId=domain,
        SpaceName="lab",
        SpaceSettings={
            "AppType": "JupyterLab",
            "SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}},
        },
        SpaceSharingSettings={"SharingType": "Private"},
        OwnershipSettings={"OwnerUserProfileName": "ann"},
    )
    (row,) = control_plane.call("ListSpaces", DomainIdEquals=domain)["Spaces"]
    assert row["SpaceSettingsSummary"] == {
        "AppType": "JupyterLab",
        "SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}},
    }
    assert row["SpaceSharingSettingsSummary"] == {"SharingType": "Private"}
    assert row["OwnershipSettingsSummary"] == {"OwnerUserProfileName": "ann"}
    assert "SpaceSettings" not in row


def test_versions_of_images_are_counted_named_and_go_with_the_image(control_plane: ControlPlane) -> None:
    name, base = unique(), "000000000000.dkr.ecr.us-east-1.amazonaws.com/models:v1"
    assert refused(control_plane, "CreateImageVersion", ImageName=name, BaseImage=base, ClientToken="t0").code == (
        "ResourceNotFound"
    )
    control_plane.call("CreateImage", ImageName=name, RoleArn=ROLE, DisplayName="shown", Description="text")
    until(control_plane, "DescribeImage", "ImageStatus", "CREATED", ImageName=name)
    for number, aliases in ((1, ["stable"]), (2, ["latest"]), (3, [])):
        request = {"ImageName": name, "BaseImage": base, "ClientToken": f"t{number}", "Aliases": aliases}
        arn = control_plane.call("CreateImageVersion", **request)["ImageVersionArn"]
        assert arn.endswith(f":image-version/{name}/{number}")
        assert control_plane.call("CreateImageVersion", **request)["ImageVersionArn"] == arn, "the same token"
    until(control_plane, "DescribeImageVersion", "ImageVersionStatus", "CREATED", ImageName=name)
    assert control_plane.call("DescribeImageVersion", ImageName=name)["Version"] == 3
    assert control_plane.call("DescribeImageVersion", ImageName=name, Alias="stable")["Version"] == 1
    taken = refused(control_plane, "UpdateImageVersion", ImageName=name, Version=2, AliasesToAdd=["stable"])
    assert taken.code == "ResourceInUse"
    control_plane.call("UpdateImageVersion", ImageName=name, Version=1, AliasesToDelete=["stable"])
    control_plane.call(
        "UpdateImageVersion", ImageName=name, Version=2, AliasesToAdd=["stable"], MLFramework="XGBoost 3.0"
    )
    assert control_plane.call("DescribeImageVersion", ImageName=name, Alias="stable")["MLFramework"] == "XGBoost 3.0"
    aliases = control_plane.call("ListAliases", ImageName=name)["SageMakerImageVersionAliases"]
    assert sorted(aliases) == ["latest", "stable"]
    rows = control_plane.call("ListImageVersions", ImageName=name, SortBy="VERSION", SortOrder="ASCENDING")
    assert [row["Version"] for row in rows["ImageVersions"]] == [1, 2, 3]
    control_plane.call("DeleteImageVersion", ImageName=name, Version=3)
    assert gone(control_plane, "DescribeImageVersion", ImageName=name, Version=3).code == "ResourceNotFound"
    assert "does not exist" in gone(control_plane, "DescribeImageVersion", ImageName=name, Version=3).message
    control_plane.call("UpdateImage", ImageName=name, DeleteProperties=["DisplayName"])
    image = until(control_plane, "DescribeImage", "ImageStatus", "CREATED", ImageName=name)
    assert "DisplayName" not in image
    assert image["Description"] == "text"
    control_plane.call("DeleteImage", ImageName=name)
    assert gone(control_plane, "DescribeImage", ImageName=name).code == "ResourceNotFound"
    control_plane.call("CreateImage", ImageName=name, RoleArn=ROLE)
    assert refused(control_plane, "DescribeImageVersion", ImageName=name).code == "ResourceNotFound"


def test_a_workforce_is_one_and_its_teams_keep_it(control_plane: ControlPlane) -> None:
    name, team = unique(), unique()
    oidc = {
        "ClientId": "a",
        "ClientSecret": "secret",
        **dict.fromkeys(
            ("Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "LogoutEndpoint", "JwksUri"),
            "https://example.org/path",
        ),
    }
    control_plane.call("CreateWorkforce", WorkforceName=name, OidcConfig=oidc)
    described = control_plane.call("DescribeWorkforce", WorkforceName=name)["Workforce"]
    assert described["OidcConfig"]["ClientId"] == "a"
    assert "ClientSecret" not in described["OidcConfig"]
    assert refused(control_plane, "CreateWorkforce", WorkforceName=unique()).code == "ResourceLimitExceeded"
    members = [{"OidcMemberDefinition": {"Groups": ["labelers"]}}]
    request = {"WorkteamName": team, "MemberDefinitions": members, "Description": "text"}
    arn = control_plane.call("CreateWorkteam", WorkforceName=name, **request)["WorkteamArn"]
    assert arn.endswith(f":workteam/private-crowd/{team}")
    control_plane.call("AddTags", ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    answer = control_plane.call("UpdateWorkteam", WorkteamName=team, Description="other")
    assert answer["Workteam"]["Description"] == "other"
    assert answer["Workteam"]["MemberDefinitions"] == members
    assert refused(control_plane, "DeleteWorkforce", WorkforceName=name).code == "ResourceInUse"
    assert control_plane.call("DeleteWorkteam", WorkteamName=team) == {"Success": True}
    assert "The work team" in refused(control_plane, "DescribeWorkteam", WorkteamName=team).message
    control_plane.call("DeleteWorkforce", WorkforceName=name)
    assert "No workforce" in gone(control_plane, "DescribeWorkforce", WorkforceName=name).message


def test_a_project_is_a_record_without_a_template(control_plane: ControlPlane) -> None:
    name = unique()
    details = {"ProductId": "prod-1"}
    error = refused(control_plane, "CreateProject", ProjectName=name, ServiceCatalogProvisioningDetails=details)
    assert (error.code, error.status) == ("NotImplementedException", 501)
    answer = control_plane.call("CreateProject", ProjectName=name, Tags=[{"Key": "a", "Value": "1"}])
    assert answer["ProjectId"].startswith("p-")
    until(control_plane, "DescribeProject", "ProjectStatus", "CreateCompleted", ProjectName=name)
    control_plane.call("UpdateProject", ProjectName=name, ProjectDescription="text", Tags=[{"Key": "b", "Value": "2"}])
    until(control_plane, "DescribeProject", "ProjectStatus", "UpdateCompleted", ProjectName=name)
    tags = control_plane.call("ListTags", ResourceArn=answer["ProjectArn"])["Tags"]
    assert tags == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]


def test_names_of_endpoints_differ_in_more_than_case(control_plane: ControlPlane) -> None:
    """The name is case-insensitive in CreateEndpoint (API reference)."""
    store, scope = control_plane.store, control_plane.context().scope
    store.put(scope, "EndpointConfig", "config", {"EndpointConfigName": "config", "ProductionVariants": []})
    store.put(scope, "Endpoint", "Flights", {"EndpointName": "Flights", "EndpointStatus": "InService"})
    error = refused(control_plane, "CreateEndpoint", EndpointName="flights", EndpointConfigName="config")
    assert "already existing endpoint" in error.message
    store.delete(scope, "Endpoint", "Flights")


def test_a_resource_that_is_going_cannot_be_changed(tmp_path: Any) -> None:
    slow = ControlPlane(tmp_path, step_seconds=60)
    domain = slow.call("CreateDomain", DomainName="slow", **DOMAIN)["DomainId"]
    assert slow.call("DescribeDomain", DomainId=domain)["Status"] == "Pending"
    slow.call("DeleteDomain", DomainId=domain)
    assert slow.call("DescribeDomain", DomainId=domain)["Status"] == "Deleting"
    assert slow.call("DeleteDomain", DomainId=domain) == {}, "once more is the same"
    assert refused(slow, "UpdateDomain", DomainId=domain).code == "ResourceInUse"
    slow.store.close()


def test_quotas_are_the_documented_ones(control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock_services.sagemaker import quotas

    assert quotas.QUOTAS["FeatureGroup"] == 100
    monkeypatch.setitem(quotas.QUOTAS, "CodeRepository", 2)
    git = {"RepositoryUrl": "https://github.com/example/models.git"}
    before = control_plane.store.count(control_plane.context().scope, "CodeRepository")
    assert before == 0
    for _ in range(2):
        control_plane.call("CreateCodeRepository", CodeRepositoryName=unique(), GitConfig=git)
    error = refused(control_plane, "CreateCodeRepository", CodeRepositoryName=unique(), GitConfig=git)
    assert error.code == "ResourceLimitExceeded"


def test_a_script_that_a_domain_names_stays(control_plane: ControlPlane) -> None:
    name = unique()
    script = {"StudioLifecycleConfigName": name, "StudioLifecycleConfigAppType": "JupyterLab"}
    arn = control_plane.call("CreateStudioLifecycleConfig", **script, StudioLifecycleConfigContent="YWJj")
    settings = {"ExecutionRole": ROLE, "JupyterLabAppSettings": {"LifecycleConfigArns": list(arn.values())}}
    domain = control_plane.call("CreateDomain", DomainName=unique(), AuthMode="IAM", DefaultUserSettings=settings)
    error = refused(control_plane, "DeleteStudioLifecycleConfig", StudioLifecycleConfigName=name)
    assert error.code == "ResourceInUse"
    control_plane.call("DeleteDomain", DomainId=domain["DomainId"])
    gone(control_plane, "DescribeDomain", DomainId=domain["DomainId"])
    control_plane.call("DeleteStudioLifecycleConfig", StudioLifecycleConfigName=name)


def test_policies_of_endpoints_and_the_switch_of_service_catalog(control_plane: ControlPlane) -> None:
    endpoint = {"EndpointName": "open", "EndpointStatus": "InService", "EndpointArn": "arn"}
    control_plane.store.put(control_plane.context().scope, "Endpoint", "open", endpoint)
    assert refused(control_plane, "GetEndpointPolicy", EndpointName="open").code == "ResourceNotFound"
    control_plane.call("PutEndpointPolicy", EndpointName="open", ResourcePolicy="{}")
    assert control_plane.call("GetEndpointPolicy", EndpointName="open")["ResourcePolicy"] == "{}"
    control_plane.call("DeleteEndpointPolicy", EndpointName="open")
    assert refused(control_plane, "DeleteEndpointPolicy", EndpointName="open").code == "ResourceNotFound"
    control_plane.store.delete(control_plane.context().scope, "Endpoint", "open")
    for switch, status in (("Enable", "Enabled"), ("Disable", "Disabled")):
        control_plane.call(f"{switch}SagemakerServicecatalogPortfolio")
        assert control_plane.call("GetSagemakerServicecatalogPortfolioStatus") == {"Status": status}


def test_tags_have_their_limits(control_plane: ControlPlane) -> None:
    def tags(first: int, last: int) -> list[dict[str, str]]:
        return [{"Key": f"k{number}", "Value": ""} for number in range(first, last)]

    repeated = refused(control_plane, "CreateModel", ModelName="tags", Tags=[*tags(0, 1), *tags(0, 1)])
    assert "Duplicate" in repeated.message
    assert refused(control_plane, "DescribeModel", ModelName="tags"), "nothing is half-written"
    arn = control_plane.call("CreateModel", ModelName="tags", Tags=tags(0, 30))["ModelArn"]
    control_plane.call("AddTags", ResourceArn=arn, Tags=tags(30, 50))
    control_plane.call("AddTags", ResourceArn=arn, Tags=[{"Key": "k3", "Value": "other"}])
    assert "at most 50" in refused(control_plane, "AddTags", ResourceArn=arn, Tags=tags(50, 51)).message
    assert len(control_plane.call("ListTags", ResourceArn=arn)["Tags"]) == 50
    control_plane.call("DeleteModel", ModelName="tags")
    missing = refused(control_plane, "ListTags", ResourceArn=arn)
    assert (missing.code, missing.message) == ("ValidationException", "Resource does not exist.")
    control_plane.call("CreateModel", ModelName="tags")
    assert control_plane.call("ListTags", ResourceArn=arn)["Tags"] == [], "a new one has none of the old"
