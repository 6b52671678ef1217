"""Spaces and users: whose files Studio's apps work on, and the settings that they start with.

The files of a space (on AWS an EBS volume, of a user profile the home in the domain's EFS) outlast its apps and go with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock_services.errors import ServiceError
from penstock_services.operations import Context, check
from penstock_services.sagemaker import engine
from penstock_services.sagemaker.hooks import hook
from penstock_services.sagemaker.listing import at
from penstock_services.sagemaker.notebooks import resource
from penstock_services.store import Where

Record = dict[str, Any]
MEMBERS = {"SpaceName": "Space", "UserProfileName": "UserProfile"}
_SETTINGS = {"JupyterLab": "JupyterLabAppSettings", "JupyterServer": "JupyterServerAppSettings"}


@dataclass(frozen=True)
class Owner:
    """The space or user that an app belongs to: the member that names it, its kind and its record."""

    member: str
    kind: str
    record: Record

    @property
    def name(self) -> str:
        """As the app's requests name it."""
        return str(self.record[self.member])

    def folder(self, context: Context) -> Path:
        """Where its files lie."""
        return resource.folder(context, f"{self.record['DomainId']}-{self.kind}-{self.name}", self.record)

    def settings(self, context: Context, app_type: str) -> list[Record]:
        """What an app of that type starts with, from the domain's defaults to its own."""
        domain = context.store.get(context.scope, "Domain", self.record["DomainId"]) or {}
        defaults, own = (
            ("DefaultSpaceSettings", "SpaceSettings")
            if self.kind == "Space"
            else ("DefaultUserSettings", "UserSettings")
        )
        paths = ((domain, defaults), (self.record, own))
        found = [at(record, f"{outer}.{_SETTINGS[app_type]}") for record, outer in paths]
        return [each for each in found if each]


def owner_of(context: Context, request: Record) -> Owner:
    """The owner that a request names. Raises ServiceError where it names none, or two, or one that is not there."""
    named = [member for member in MEMBERS if member in request]
    if len(named) != 1:
        message = "Exactly one of UserProfileName and SpaceName must be given."
        raise ServiceError("ValidationException", message)
    kind = MEMBERS[named[0]]
    _, record = engine.find(context, kind, f"{request['DomainId']}/{request[named[0]]}")
    return Owner(named[0], kind, record)


def apps_of(context: Context, domain: str, **members: str) -> list[Record]:
    """The apps in a domain that are not deleted, the newest first; of one owner, if ``members`` names it."""
    conditions = [Where("parent", "=", domain), *(Where(member, "=", name) for member, name in members.items())]
    rows = context.store.select(context.scope, "App", conditions)
    return [row.record for row in rows if row.record["Status"] != "Deleted"]


@check("DeleteSpace", "DeleteUserProfile")
def _unused(context: Context, request: Record) -> None:
    owner = owner_of(context, request)
    if apps_of(context, owner.record["DomainId"], **{owner.member: owner.name}):
        arn = owner.record[f"{owner.kind}Arn"]
        message = f"Unable to delete {owner.kind} [{arn}] because App(s) are associated with it."
        raise ServiceError("ResourceInUse", message)


@check("DeleteDomain")
def _empty(context: Context, request: Record) -> None:
    key, domain = engine.find(context, "Domain", request["DomainId"])
    if apps_of(context, key):
        message = f"Unable to delete Domain [{domain['DomainArn']}] because App(s) are associated with it."
        raise ServiceError("ResourceInUse", message)


@hook("Space", "deleted")
def _space_gone(context: Context, record: Record) -> None:
    resource.remove("", Owner("SpaceName", "Space", record).folder(context))


@hook("UserProfile", "deleted")
def _user_gone(context: Context, record: Record) -> None:
    resource.remove("", Owner("UserProfileName", "UserProfile", record).folder(context))
