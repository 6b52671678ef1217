"""Studio: domains, their users and spaces, and what notebooks start with."""

from __future__ import annotations

from typing import Any

from penstock_services.sagemaker.overlay.entry import Children, Overlay, in_use, invalid, not_found


def _app(record: dict[str, Any]) -> str:
    owner = record.get("UserProfileName") or record.get("SpaceName") or ""
    return f"{record['DomainId']}/{owner}/{record['AppType'].lower()}/{record['AppName']}"


KINDS: dict[str, Overlay] = {
    "Domain": Overlay(
        "domain",
        missing=not_found("Domain with id {name} does not exist."),
        exists=in_use("Domain {name} already exists."),
        identity=("DomainId", "d-************"),
        initial="Pending",
        settled="InService",
        updating="Updating",
        updated="InService",
        deleting="Deleting",
        merged=("DefaultUserSettings", "DefaultSpaceSettings", "DomainSettings"),
        renamed={"DomainSettingsForUpdate": "DomainSettings"},
        children=(
            Children(
                "UserProfile",
                "DomainId",
                in_use("Unable to delete Domain [{arn}] because UserProfile(s) are associated with it."),
            ),
            Children("Space", "DomainId", in_use("Unable to delete Domain [{arn}] because Space(s) are in it.")),
        ),
        cascades=("App",),
        why="settings and access of Studio",
    ),
    "UserProfile": Overlay(
        "user-profile",
        missing=not_found("UserProfile {name} does not exist."),
        exists=in_use("UserProfile {arn} already exists."),
        parents=(("DomainId", "Domain"),),
        initial="Pending",
        settled="InService",
        updating="Updating",
        updated="InService",
        deleting="Deleting",
        merged=("UserSettings",),
        why="settings",
    ),
    "Space": Overlay(
        "space",
        missing=not_found("Space {name} does not exist."),
        exists=in_use("Space {arn} already exists."),
        parents=(("DomainId", "Domain"),),
        initial="Pending",
        settled="InService",
        updating="Updating",
        updated="InService",
        deleting="Deleting",
        merged=("SpaceSettings",),
        summary={
            "SpaceSettingsSummary.AppType": "SpaceSettings.AppType",
            "SpaceSettingsSummary.RemoteAccess": "SpaceSettings.RemoteAccess",
            "SpaceSettingsSummary.SpaceStorageSettings": "SpaceSettings.SpaceStorageSettings",
            "SpaceSharingSettingsSummary.SharingType": "SpaceSharingSettings.SharingType",
            "OwnershipSettingsSummary.OwnerUserProfileName": "OwnershipSettings.OwnerUserProfileName",
        },
        why="settings",
    ),
    "App": Overlay(
        "app",
        missing=not_found("App {name} does not exist. RecordNotFound"),
        exists=in_use("App {arn} already exists."),
        keys=("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName"),
        tail=_app,
        parents=(("DomainId", "Domain"),),
        initial="Pending",
        deleting="Deleting",
        answers="real",
        why="runs JupyterLab; other types are refused by name",
    ),
    "NotebookInstance": Overlay(
        "notebook-instance",
        missing=invalid("Unable to describe '{arn}'. RecordNotFound"),
        exists=invalid("Cannot create a duplicate notebook instance ({arn})"),
        initial="Pending",
        updating="Updating",
        updated="Stopped",
        deleting="Deleting",
        renamed={
            "LifecycleConfigName": "NotebookInstanceLifecycleConfigName",
            "SecurityGroupIds": "SecurityGroups",
        },
        answers="real",
        why="runs JupyterLab",
    ),
    "CodeRepository": Overlay(
        "code-repository",
        missing=invalid('Cannot find CodeRepository: "{arn}"'),
        exists=invalid("CodeRepository already exists: {arn}"),
        merged=("GitConfig",),
        why="the address of a Git repository",
    ),
    "NotebookInstanceLifecycleConfig": Overlay(
        "notebook-instance-lifecycle-config",
        missing=invalid("Unable to describe Notebook Instance Lifecycle Config '{arn}'. Details: RecordNotFound"),
        exists=invalid(
            "Unable to create Notebook Instance Lifecycle Config {arn}. (Details: Notebook Instance Lifecycle Config "
            "already exists.)"
        ),
        why="scripts that a notebook instance runs",
    ),
    "AppImageConfig": Overlay(
        "app-image-config",
        missing=not_found("AppImageConfig with arn {arn} does not exist."),
        exists=in_use("AppImageConfig with arn {arn} already exists."),
        why="settings",
    ),
    "StudioLifecycleConfig": Overlay(
        "studio-lifecycle-config",
        missing=not_found("StudioLifecycleConfig with name {name} does not exist."),
        exists=in_use("StudioLifecycleConfig with name {name} already exists."),
        why="a script that an app runs",
    ),
    "MlflowTrackingServer": Overlay(
        "mlflow-tracking-server",
        missing=not_found("Tracking Server with name {name} does not exist."),
        exists=in_use("Tracking Server with name {name} already exists."),
        initial="Creating",
        deleting="Deleting",
        answers="real",
        why="runs an MLflow server",
    ),
    "MlflowApp": Overlay(
        "mlflow-app",
        missing=not_found("MLflow App {arn} does not exist."),
        exists=in_use("MLflow App {arn} already exists."),
        identity=("_Id", "app-############"),
        tail=lambda record: str(record["_Id"]) if "_Id" in record else str(record["Arn"]).rpartition("/")[2],
        initial="Creating",
        deleting="Deleting",
        answers="real",
        why="runs an MLflow server",
    ),
}
