"""The provider itself: Pulumi's verbs over the table of types."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from penstock_deploy import paths
from penstock_deploy.errors import DeploymentError
from penstock_deploy.plugins.interface import (
    ADD,
    ADD_REPLACE,
    DELETE,
    DELETE_REPLACE,
    UPDATE,
    UPDATE_REPLACE,
    Diff,
    InitializationError,
    Naming,
    ProviderError,
    Reading,
    Subject,
)
from penstock_deploy.provider import registry
from penstock_deploy.provider.clients import Aws, shared
from penstock_deploy.provider.resource_type import ResourceType, compact
from penstock_deploy.target import Target, is_account, is_loopback
from penstock_deploy.values import UNKNOWN, Properties, Secret, has_secret, has_unknown, plain

_KINDS = {
    ("add", False): ADD,
    ("add", True): ADD_REPLACE,
    ("delete", False): DELETE,
    ("delete", True): DELETE_REPLACE,
    ("update", False): UPDATE,
    ("update", True): UPDATE_REPLACE,
}
#: the input that lists which inputs the provider filled in, as Pulumi's own AWS provider writes it
_DEFAULTS = "__defaults"
_SUFFIX_DIGITS = 7
_PREFIXED_DIGITS = 26
_HARMLESS_CONFIGURATION = {
    "accessKey", "secretKey", "region", "version", "defaultTags", "endpoints", "allowedAccountIds", "forbiddenAccountIds",
    "profile", "skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation", "skipRequestingAccountId",
    "s3UsePathStyle", "ignoreTags", "maxRetries", "retryMode", "token",
}  # fmt: skip


class AwsProvider:
    """One configured provider: a region and default tags over the target's clients."""

    def __init__(self, target: Target, configuration: Properties, folder: Path | None = None) -> None:
        settings = {key: _decoded(key, value) for key, value in plain(configuration).items() if key != "__internal"}
        _guard(settings)
        key = settings.get("accessKey")
        if key not in (None, UNKNOWN):
            target = replace(target, access_key_id=key)
        _admit(target.access_key_id, settings)
        self._clients = shared(target)
        region = settings.get("region")
        self._region = region if isinstance(region, str) and region not in ("", UNKNOWN) else target.region
        self._default_tags: dict[str, str] = dict((settings.get("defaultTags") or {}).get("tags") or {})
        self._stopping = threading.Event()
        self._folder = folder

    # -- Pulumi's verbs

    def check(self, subject: Subject, olds: Properties, news: Properties, seed: bytes) -> Properties:
        kind = registry.type_of(subject.type)
        old, inputs = plain(olds), dict(news)
        failures: list[tuple[str, str]] = []
        for name in [name for name, value in inputs.items() if value is None or name.startswith("__")]:
            del inputs[name]
        unknown = sorted(set(inputs) - kind.names["inputs"])
        for name in unknown:
            failures.append((name, f"is not a property that the local provider knows of {subject.type}"))
        for name in sorted(kind.names["required"] - set(inputs)):
            failures.append((name, "is required and missing"))
        given = set(inputs)
        for name, value in kind.defaults.items():
            inputs.setdefault(name, value)
        _give_name(kind, subject, old, inputs, seed)
        inputs[_DEFAULTS] = sorted(set(inputs) - given)
        if not failures and not has_unknown(inputs):
            failures += kind.check(plain(inputs))
        if failures:
            told = "; ".join(f"{name} {reason}" for name, reason in failures)
            raise ProviderError(told, registry.RECIPE if unknown else "")
        return inputs

    def diff(
        self, subject: Subject, id_: str, old_inputs: Properties, old_outputs: Properties,  # noqa: ARG002
        news: Properties, ignore_changes: list[str],
    ) -> Diff:  # fmt: skip
        kind = registry.type_of(subject.type)
        old, new = compact(plain(old_inputs)), compact(plain(news))
        changed: dict[str, list[tuple[list[paths.Key], str]]] = {}
        for name in sorted({*old, *new}):
            before, after = kind.canonical(name, old.get(name)), kind.canonical(name, new.get(name))
            if before == after:
                continue
            found = _changes(kind, name, before, after, name in old, name in new)
            found = [
                item for item in found if not any(paths.covers(path, paths.write(item[0])) for path in ignore_changes)
            ]
            if found:
                changed[name] = found
        if (
            "tags" not in changed
            and not has_unknown(new.get("tags"))
            and self._tags_all_changed(kind, old_outputs, new)
        ):
            before, after = plain(old_outputs)["tagsAll"], self._tagged(kind, new)["tags"]
            changed["tagsAll"] = paths.differences(before, after, ["tagsAll"])
        replacing = kind.replaces(old, new, set(changed))
        if "region" not in ignore_changes and self._moves(kind, old_outputs, new):
            changed["region"] = [(["region"], "update")]
            replacing = {*replacing, "region"}
        result = Diff(changes=bool(changed), replaces=sorted(replacing))
        for name, found in changed.items():
            for keys, what in found:
                result.detailed[paths.write(keys)] = _KINDS[(what, name in replacing)]
        chosen = bool(kind.named) and kind.named not in (plain(news).get(_DEFAULTS) or [])
        same_name = chosen and old.get(kind.named) == new.get(kind.named)
        result.delete_before_replace = bool(replacing) and (kind.delete_before_replace or same_name)
        return result

    def create(self, subject: Subject, inputs: Properties, *, preview: bool) -> tuple[str, Properties]:
        kind = registry.type_of(subject.type)
        bare = plain(inputs)
        if preview:
            return "", self._outputs(kind, inputs, dict.fromkeys(kind.names["outputs"], UNKNOWN), preview=True)
        aws = self._aws(bare, subject.timeout)
        try:
            with _spoken():
                id_ = kind.create(aws, self._tagged(kind, bare))
                live = kind.read(aws, id_, bare)
        except ProviderError as error:
            if not aws.made:
                raise
            raise InitializationError(
                str(error), aws.made, self._outputs(kind, inputs, self._glance(kind, aws, bare))
            ) from error
        if live is None:
            raise ProviderError(f"{subject.type} {id_} is not there right after it was created")
        return id_, self._outputs(kind, inputs, live)

    @staticmethod
    def _glance(kind: ResourceType, aws: Aws, inputs: Properties) -> Properties:
        """What can be read of a resource whose creation failed half-way."""
        try:
            with _spoken():
                return kind.read(aws, aws.made, inputs) or {}
        except ProviderError:
            return {}

    def read(self, subject: Subject, id_: str, inputs: Properties, outputs: Properties) -> Reading | None:
        kind = registry.type_of(subject.type)
        known = plain(inputs)
        aws = self._aws(_where(known, outputs))
        with _spoken():
            live = kind.read(aws, id_, known)
        if live is None:
            return None
        secret = {name for name, value in inputs.items() if has_secret(value)}
        read_inputs = self._live_inputs(kind, known, live)
        wrapped = {name: Secret(value) if name in secret else value for name, value in read_inputs.items()}
        return Reading(id_, wrapped, self._outputs(kind, wrapped, live))

    def find(self, subject: Subject, inputs: Properties) -> Reading | None:
        kind = registry.type_of(subject.type)
        bare = plain(inputs)
        with _spoken():
            id_ = kind.locate(self._aws(bare), self._tagged(kind, bare))
        return self.read(subject, id_, inputs, {}) if id_ else None

    def update(
        self, subject: Subject, id_: str, old_inputs: Properties, old_outputs: Properties, news: Properties,
        ignore_changes: list[str], *, preview: bool,  # noqa: ARG002
    ) -> Properties:  # fmt: skip
        kind = registry.type_of(subject.type)
        if preview:
            computed = {name: value for name, value in old_outputs.items() if name in kind.names["outputs"]}
            computed.update(dict.fromkeys(kind.names["volatile"], UNKNOWN))
            return self._outputs(kind, news, computed, preview=True)
        old, new = compact(plain(old_inputs)), compact(plain(news))
        changed = {
            name for name in {*old, *new} if kind.canonical(name, old.get(name)) != kind.canonical(name, new.get(name))
        }
        if self._tags_all_changed(kind, old_outputs, new):
            changed.add("tags")
            old = {**old, "tags": plain(old_outputs).get("tagsAll") or {}}
        else:
            old = self._tagged(kind, old)
        aws = self._aws(_where(new, old_outputs), subject.timeout)
        with _spoken():
            kind.update(aws, id_, self._tagged(kind, new), old, changed)
            live = kind.read(aws, id_, new)
            if live is None:
                raise ProviderError(f"{subject.type} {id_} is gone; refresh the stack, then bring it up again")
            return self._outputs(kind, news, live)

    def delete(self, subject: Subject, id_: str, inputs: Properties, outputs: Properties) -> None:
        kind = registry.type_of(subject.type)
        bare = plain(inputs)
        with _spoken():
            kind.delete(self._aws(_where(bare, outputs), subject.timeout), id_, bare)

    def invoke(self, token: str, arguments: Properties, *, preview: bool) -> Properties:  # noqa: ARG002
        implementation = registry.function_of(token)
        bare = compact(plain(arguments))
        with _spoken():
            return implementation(self._aws(bare), bare)

    def cancel(self) -> None:
        self._stopping.set()

    def close(self) -> None:
        self._stopping.set()

    # -- parts

    def _aws(self, properties: Properties, timeout: float = 0.0) -> Aws:
        region = properties.get("region")
        where = region if isinstance(region, str) and region else self._region
        return Aws(self._clients, where, self._stopping, timeout, self._folder)

    def _moves(self, kind: ResourceType, old_outputs: Properties, new: Properties) -> bool:
        """Whether the resource is to be in another region than it is: its own `region` says so, or else the provider's."""
        before, given = plain(old_outputs).get("region"), new.get("region")
        if not kind.regional or not isinstance(before, str) or has_unknown(given):
            return False
        return before != (given or self._region)

    def _tagged(self, kind: ResourceType, inputs: Properties) -> Properties:
        if not kind.taggable:
            return inputs
        return {**inputs, "tags": {**self._default_tags, **(inputs.get("tags") or {})}}

    def _tags_all_changed(self, kind: ResourceType, old_outputs: Properties, new: Properties) -> bool:
        if not kind.taggable:
            return False
        before = plain(old_outputs).get("tagsAll")
        return before is not None and before != self._tagged(kind, new)["tags"]

    def _outputs(
        self, kind: ResourceType, inputs: Properties, computed: Properties, *, preview: bool = False
    ) -> Properties:
        """Outputs are the inputs in effect and what AWS computed; a secret input stays secret."""
        outputs = {name: value for name, value in inputs.items() if name in kind.names["inputs"]}
        outputs.update(
            {name: value for name, value in computed.items() if name in kind.names["outputs"] and value is not None}
        )
        if kind.regional and not isinstance(inputs.get("region"), str):
            told = outputs.get("region")
            outputs["region"] = told if isinstance(told, str) and told != UNKNOWN else self._region
        if kind.taggable:
            tags = inputs.get("tags")
            unknown = preview and has_unknown(tags) and not isinstance(tags, dict)
            outputs["tagsAll"] = UNKNOWN if unknown else {**self._default_tags, **(plain(tags) or {})}
        for name in kind.names["confidential"] & set(outputs):
            outputs[name] = Secret(outputs[name])
        for name in set(inputs) & set(outputs):
            if has_secret(inputs[name]) and not has_secret(outputs[name]):
                outputs[name] = Secret(outputs[name])
        return outputs

    def _live_inputs(self, kind: ResourceType, known: Properties, live: Properties) -> Properties:
        told = {name: value for name, value in live.items() if name in kind.names["inputs"]}
        if kind.taggable and "tags" in told:
            given = known.get("tags") or {}
            told["tags"] = {
                name: text
                for name, text in (told["tags"] or {}).items()
                if name in given or self._default_tags.get(name) != text
            }
        if not known:
            found = {name: value for name, value in told.items() if value not in (None, "", [], {})}
            return {name: value for name, value in found.items() if name != "region"} | {_DEFAULTS: []}
        inputs: Properties = {}
        for name, value in known.items():
            if name not in told:
                inputs[name] = value
            elif told[name] is None:
                if value in ("", [], {}, False, 0):
                    inputs[name] = value
            elif _agrees(kind.canonical(name, value), kind.canonical(name, told[name])):
                inputs[name] = value
            else:
                inputs[name] = told[name]
        if "tags" not in known and told.get("tags"):
            inputs["tags"] = told["tags"]
        return inputs


def _changes(
    kind: ResourceType, name: str, before: Any, after: Any, had: bool, has: bool
) -> list[tuple[list[paths.Key], str]]:
    if not had:
        return [([name], "add")]
    if not has:
        return [([name], "delete")]
    if name in kind.names["documents"] | kind.names["policies"] | kind.names["sets"]:
        return [([name], "update")]
    return paths.differences(before, after, [name])


def _agrees(given: Any, live: Any) -> bool:
    """Whether what AWS tells holds all that was given; AWS fills in what was not."""
    if isinstance(given, dict) and isinstance(live, dict):
        return all(
            _agrees(value, live[key]) if key in live else value in (None, "", [], {}, False, 0)
            for key, value in given.items()
        )
    if isinstance(given, list) and isinstance(live, list):
        return len(given) == len(live) and all(_agrees(a, b) for a, b in zip(given, live, strict=True))
    if isinstance(given, bool) or isinstance(live, bool):
        return str(given).lower() == str(live).lower()
    return bool(given == live) or str(given) == str(live)


def _give_name(kind: ResourceType, subject: Subject, old: Properties, inputs: Properties, seed: bytes) -> None:
    """Name the resource when the program does not: keep the present name, else logical name and random digits."""
    name, naming = kind.named, subject.naming
    if not name or inputs.get(name) is not None:
        return
    prefix = plain(inputs.get(kind.prefix)) if kind.prefix else None
    if old.get(name) is not None and (not kind.prefix or old.get(kind.prefix) == prefix):
        inputs[name] = old[name]
        return
    if prefix == UNKNOWN:
        inputs[name] = UNKNOWN
        return
    if naming is not None and not prefix:
        _take_name(kind, naming, inputs)
        return
    digest = hashlib.sha256(seed or subject.urn.encode()).hexdigest()
    if prefix:
        given = f"{prefix}{digest[: min(_PREFIXED_DIGITS, kind.name_limit - len(prefix))]}"
    else:
        room = kind.name_limit - len(kind.name_start) - _SUFFIX_DIGITS - 1
        given = f"{kind.name_start}{subject.name[:room]}-{digest[:_SUFFIX_DIGITS]}"
    inputs[name] = given.lower() if kind.name_lower else given


def _where(inputs: Properties, outputs: Properties) -> Properties:
    """The properties that say in which region a resource is: what it was made in, when its inputs say nothing."""
    region = inputs.get("region") or plain(outputs).get("region")
    return {"region": region} if region else {}


def _take_name(kind: ResourceType, naming: Naming, inputs: Properties) -> None:
    """Name the resource as the stack's autonaming says; a proposed name is fitted to AWS's rules, an enforced one is not."""
    if not naming.proposed:
        raise ProviderError(f"{kind.named} is missing, and pulumi:autonaming is disabled: the program has to name it")
    given = naming.proposed
    if not naming.enforced:
        given = given if given.startswith(kind.name_start) else kind.name_start + given
        given = given.lower() if kind.name_lower else given
    if len(given) > kind.name_limit:
        raise ProviderError(
            f"{kind.named} {given!r}, from pulumi:autonaming, has {len(given)} characters: the most is {kind.name_limit}"
        )
    inputs[kind.named] = given


def _decoded(key: str, value: Any) -> Any:
    """Provider configuration arrives as text: anything but a string is JSON."""
    if isinstance(value, str) and key not in ("region", "accessKey", "secretKey", "profile", "version"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _guard(settings: Properties) -> None:
    for name in sorted(set(settings) - _HARMLESS_CONFIGURATION):
        raise ProviderError(f"the local AWS provider does not have the provider option {name}")
    key = settings.get("accessKey")
    if key not in (None, UNKNOWN) and not is_account(str(key)):
        raise ProviderError(
            "accessKey of the provider is not an account of the local cloud (twelve digits): the local engine takes no "
            "real credentials"
        )
    for endpoints in settings.get("endpoints") or []:
        for service, url in (endpoints or {}).items():
            if isinstance(url, str) and not is_loopback(url):
                raise ProviderError(f"endpoint {url} of {service} is not on this machine: the local engine refuses it")


def _admit(account: str, settings: Properties) -> None:
    """Refuses an account that the provider's settings do not allow, in the real provider's words."""
    allowed, forbidden = (settings.get(name) or [] for name in ("allowedAccountIds", "forbiddenAccountIds"))
    if account in forbidden or (allowed and UNKNOWN not in (allowed, *allowed) and account not in allowed):
        raise ProviderError(f"AWS account ID not allowed: {account}")


@contextmanager
def _spoken() -> Iterator[None]:
    """Turns errors of AWS into ProviderError with AWS's message; a defect of the provider keeps its type's name."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except DeploymentError:
        raise
    except ClientError as error:
        answer = error.response.get("Error", {})
        raise ProviderError(
            f"{error.operation_name}: {answer.get('Code', 'Unknown')}: {answer.get('Message', '')}"
        ) from error
    except BotoCoreError as error:
        raise ProviderError(str(error)) from error
    except Exception as error:
        raise ProviderError(f"the local AWS provider failed: {type(error).__name__}: {error}") from error
