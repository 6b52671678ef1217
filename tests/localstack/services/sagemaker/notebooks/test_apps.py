"""Studio's apps: a real JupyterLab on the files of a space or user, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from tests.localstack.services.conftest import Services, make_client
from tests.localstack.services.sagemaker.conftest import ControlPlane
from tests.localstack.services.sagemaker.inputs import unique
from tests.localstack.services.sagemaker.notebooks.conftest import ROLE, encoded, logged, run_cell, servers
from tests.localstack.services.waiting import until

from penstock_services.errors import ServiceError

ACCOUNT, REGION = "111111111111", "eu-west-1"
OWN = "arn:aws:sagemaker:us-east-1:000000000000"


@pytest.fixture(scope="module")
def sagemaker(studio: Services) -> Any:
    return studio.client(account=ACCOUNT, region=REGION)


def make_domain(sagemaker: Any, **settings: Any) -> str:
    """A domain with the user ann and her space lab."""
    domain = sagemaker.create_domain(
        DomainName=unique(), AuthMode="IAM", DefaultUserSettings={"ExecutionRole": ROLE}, **settings
    )["DomainArn"].rpartition("/")[2]
    sagemaker.create_user_profile(DomainId=domain, UserProfileName="ann")
    sagemaker.create_space(
        DomainId=domain,
        SpaceName="lab",
        SpaceSettings={"AppType": "JupyterLab"},
        SpaceSharingSettings={"SharingType": "Private"},
        OwnershipSettings={"OwnerUserProfileName": "ann"},
    )
    return str(domain)


def settled(sagemaker: Any, app: dict[str, str], wanted: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        found: dict[str, Any] = sagemaker.describe_app(**app)
        assert wanted == "Failed" or found["Status"] != "Failed", found
        return found

    found: dict[str, Any] = until(look, lambda answer: answer["Status"] == wanted)
    return found


@pytest.mark.slow
def test_an_app_runs_on_the_files_of_its_space(studio: Services, sagemaker: Any) -> None:
    script = sagemaker.create_studio_lifecycle_config(
        StudioLifecycleConfigName="greet",
        StudioLifecycleConfigAppType="JupyterLab",
        StudioLifecycleConfigContent=encoded("#!/bin/sh\ncat /opt/ml/metadata/resource-metadata.json"),
    )["StudioLifecycleConfigArn"]
    defaults = {"JupyterLabAppSettings": {"DefaultResourceSpec": {"LifecycleConfigArn": script}}}
    domain = make_domain(sagemaker, DefaultSpaceSettings={"ExecutionRole": ROLE, **defaults})
    app = {"DomainId": domain, "SpaceName": "lab", "AppType": "JupyterLab", "AppName": "default"}
    user = {"DomainId": domain, "UserProfileName": "ann"}
    arn = sagemaker.create_app(**app, ResourceSpec={"InstanceType": "ml.t3.medium"})["AppArn"]
    assert arn == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:app/{domain}/lab/jupyterlab/default"
    found = sagemaker.describe_app(**app)
    assert found["Status"] == "Pending"
    assert found["ResourceSpec"] == {"InstanceType": "ml.t3.medium", "LifecycleConfigArn": script}
    with pytest.raises(sagemaker.exceptions.ClientError, match="no app of type JupyterLab or JupyterServer in service"):
        sagemaker.create_presigned_domain_url(**user)
    for delete, of in ((sagemaker.delete_space, {"SpaceName": "lab"}), (sagemaker.delete_domain, {})):
        with pytest.raises(sagemaker.exceptions.ResourceInUse, match=r"because App\(s\) are associated with it"):
            delete(DomainId=domain, **of)
    settled(sagemaker, app, "InService")
    logs = make_client("logs", studio.gateway_url, ACCOUNT, REGION)
    logged(
        logs,
        "/aws/sagemaker/studio",
        f"{domain}/lab/JupyterLab/default/LifecycleConfigOnStart",
        f'"ResourceArn": "{arn}"',
    )

    opened = sagemaker.create_presigned_domain_url(**user, LandingUri="app:JupyterLab:lab", ExpiresInSeconds=60)
    code = "import boto3; s = boto3.client('sts'); print(s.get_caller_identity()['Account'], s.meta.region_name)"
    assert run_cell(opened["AuthorizedUrl"], f"open('kept.txt', 'w').write('mine'); {code}") == f"{ACCOUNT} {REGION}\n"

    sagemaker.delete_app(**app)
    settled(sagemaker, app, "Deleted")
    assert servers(studio) == []
    assert [row["Status"] for row in sagemaker.list_apps(DomainIdEquals=domain)["Apps"]] == ["Deleted"]
    with pytest.raises(sagemaker.exceptions.ClientError, match="has already been deleted"):
        sagemaker.delete_app(**app)
    sagemaker.create_app(**app)
    settled(sagemaker, app, "InService")
    opened = sagemaker.create_presigned_domain_url(**user, SpaceName="lab")
    assert run_cell(opened["AuthorizedUrl"], "print(open('kept.txt').read())") == "mine\n"
    assert list((studio.state_dir / "notebooks").rglob("kept.txt"))

    # Of the user's own app, and after the services were killed.
    own = {**user, "AppType": "JupyterServer", "AppName": "default"}
    sagemaker.create_app(**own)
    settled(sagemaker, own, "InService")
    studio.kill()
    until(lambda: servers(studio), lambda left: not left)
    studio.start()
    for each in (app, own):
        settled(sagemaker, each, "InService")
    opened = sagemaker.create_presigned_domain_url(**user, LandingUri="app:JupyterServer:")
    assert run_cell(opened["AuthorizedUrl"], "import os; print(os.path.exists('kept.txt'))") == "False\n"
    sagemaker.delete_app(**own)
    settled(sagemaker, own, "Deleted")
    sagemaker.delete_app(**app)
    settled(sagemaker, app, "Deleted")
    sagemaker.delete_space(DomainId=domain, SpaceName="lab")
    until(lambda: list((studio.state_dir / "notebooks").rglob("kept.txt")), lambda files: not files)
    sagemaker.delete_user_profile(**user)
    until(lambda: sagemaker.list_user_profiles(DomainIdEquals=domain)["UserProfiles"], lambda rows: not rows)
    sagemaker.delete_domain(DomainId=domain)
    until(lambda: sagemaker.list_apps()["Apps"], lambda rows: not rows)


def test_without_an_environment_an_app_fails(studio: Services, tmp_path: Any) -> None:
    lone = Services(tmp_path, studio.gateway_url, environment={"PENSTOCK_PYTHON": "/bin/false"}).start()
    try:
        sagemaker = lone.client()
        app = {"DomainId": make_domain(sagemaker), "UserProfileName": "ann", "AppType": "JupyterServer"}
        app["AppName"] = "default"
        sagemaker.create_app(**app)
        assert "environments are not at hand" in settled(sagemaker, app, "Failed")["FailureReason"]
        sagemaker.delete_app(**app)
        settled(sagemaker, app, "Deleted")
    finally:
        lone.stop()


@pytest.fixture
def domain(control_plane: ControlPlane) -> str:
    answer = control_plane.call("CreateDomain", DomainName=unique(), AuthMode="IAM", DefaultUserSettings={})
    domain = str(answer["DomainId"])
    control_plane.call("CreateUserProfile", DomainId=domain, UserProfileName="ann")
    control_plane.call("CreateSpace", DomainId=domain, SpaceName="code", SpaceSettings={"AppType": "CodeEditor"})
    return domain


def refused(plane: ControlPlane, operation: str, **request: Any) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        plane.call(operation, **request)
    return raised.value


@pytest.mark.parametrize("app_type", ["CodeEditor", "KernelGateway", "TensorBoard", "Canvas", "RStudioServerPro"])
def test_other_types_of_apps_are_refused_by_name(control_plane: ControlPlane, domain: str, app_type: str) -> None:
    app = {"DomainId": domain, "UserProfileName": "ann", "AppType": app_type, "AppName": "default"}
    error = refused(control_plane, "CreateApp", **app)
    assert (error.code, error.status) == ("NotImplementedException", 501)
    assert f"CreateApp with AppType {app_type}" in error.message
    assert control_plane.call("ListApps", DomainIdEquals=domain)["Apps"] == []


@pytest.mark.parametrize(
    ("members", "code", "text"),
    [
        ({}, "ValidationException", "Exactly one of UserProfileName and SpaceName"),
        ({"UserProfileName": "ann", "SpaceName": "code"}, "ValidationException", "Exactly one of"),
        ({"UserProfileName": "bob"}, "ResourceNotFound", "bob does not exist"),
        ({"SpaceName": "code"}, "ValidationException", "is for apps of type CodeEditor"),
        ({"DomainId": "d-nowhere00000", "UserProfileName": "ann"}, "ResourceNotFound", "does not exist"),
        (
            {"UserProfileName": "ann", "ResourceSpec": {"SageMakerImageArn": f"{OWN}:image/own"}},
            "NotImplementedException",
            "SageMakerImageArn of an image of one's own",
        ),
        (
            {"UserProfileName": "ann", "ResourceSpec": {"LifecycleConfigArn": f"{OWN}:studio-lifecycle-config/none"}},
            "ResourceNotFound",
            "does not exist",
        ),
    ],
)  # fmt: skip
def test_an_app_needs_what_it_names(
    control_plane: ControlPlane, domain: str, members: dict[str, Any], code: str, text: str
) -> None:
    app = {"DomainId": domain, "AppType": "JupyterLab", "AppName": "default", **members}
    error = refused(control_plane, "CreateApp", **app)
    assert (error.code, text in error.message) == (code, True), error
    assert control_plane.call("ListApps", DomainIdEquals=domain)["Apps"] == []


@pytest.mark.parametrize("uri", ["studio::", "app:CodeEditor:", "app:Canvas:models"])
def test_pages_of_studio_itself_are_refused_by_name(control_plane: ControlPlane, domain: str, uri: str) -> None:
    user = {"DomainId": domain, "UserProfileName": "ann"}
    error = refused(control_plane, "CreatePresignedDomainUrl", **user, LandingUri=uri)
    assert (error.code, error.status) == ("NotImplementedException", 501)
    assert uri in error.message
    missing = refused(control_plane, "CreatePresignedDomainUrl", DomainId=domain, UserProfileName="bob")
    assert missing.code == "ResourceNotFound"
