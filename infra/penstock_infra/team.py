"""Teams and their people, as a stack file names them: `pricing: ana, ben` as `pricing=ana,ben`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from penstock_infra.errors import Settings

type TeamName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](-?[a-z0-9]){0,23}$")]
type PersonName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](-?[a-z0-9]){0,31}$")]
"""Studio's user names have letters, digits and single hyphens; lower case keeps them apart from one another."""

_FORM = re.compile(r"(?P<name>[^=]+)=(?P<members>[^=]+)")


class Team(Settings):
    """People who share a role and a space. Written `NAME=PERSON,PERSON`; the first person owns the shared space."""

    name: TeamName = Field(description="the team's name: lower case letters, digits and single hyphens")
    members: tuple[PersonName, ...] = Field(min_length=1, description="its people, each in one team only")

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = _FORM.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{value!r} is not a team: write NAME=PERSON,PERSON, for example pricing=ana,ben")
        members = tuple(part.strip() for part in match["members"].split(","))
        return {"name": match["name"].strip(), "members": members}

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        twice = sorted({member for member in self.members if self.members.count(member) > 1})
        if twice:
            raise ValueError(f"{self.name} names {', '.join(twice)} twice")
        return self


def each_in_one(teams: tuple[Team, ...]) -> tuple[Team, ...]:
    """The teams, if no name of a team and no person occurs twice: profiles are named after people. Raises ValueError."""
    names = [team.name for team in teams]
    people = [member for team in teams for member in team.members]
    for what, found in (("team", names), ("person", people)):
        if twice := sorted({name for name in found if found.count(name) > 1}):
            raise ValueError(f"the same {what} twice: {', '.join(twice)}")
    return teams
