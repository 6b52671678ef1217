"""EventBridge's working parts, made again from what its stores hold, so that what was loaded delivers.

LocalStack keeps data (rules, archives, ...) apart from the objects that work on it, and makes the latter only when a
resource is made.
"""

from __future__ import annotations

import logging
from typing import Any

from localstack.services.events.api_destination import APIDestinationService
from localstack.services.events.archive import ArchiveService
from localstack.services.events.connection import ConnectionService
from localstack.services.events.event_bus import EventBusService
from localstack.services.events.models import EventsStore, Rule, events_stores
from localstack.services.events.provider import EventsProvider
from localstack.services.events.replay import ReplayService
from localstack.services.events.rule import RuleService
from localstack.services.events.utils import extract_event_bus_name

LOG = logging.getLogger(__name__)


def rebuild(provider: EventsProvider) -> None:
    """Make the working parts of everything in the stores."""
    for account, region, store in list(events_stores.iter_stores()):
        for bus in store.event_buses.values():
            provider._event_bus_services_store[bus.arn] = EventBusService(bus)
            for rule in bus.rules.values():
                _rule(provider, account, region, rule)
        _others(provider, store)


def _rule(provider: EventsProvider, account: str, region: str, rule: Rule) -> None:
    service = RuleService(rule)
    provider._rule_services_store[rule.arn] = service
    for target in rule.targets.values():
        try:
            provider.create_target_sender(target, rule.arn, rule.name, region, account)
        except Exception as error:  # noqa: BLE001 - one target must not keep the others from working
            LOG.warning("target %s of rule %s cannot be served: %s", target.get("Id"), rule.arn, error)
    if service.schedule_cron and rule.targets:
        service.create_schedule_job(provider._get_scheduled_rule_job_function(account, region, rule))


def _others(provider: EventsProvider, store: EventsStore) -> None:
    for archive in store.archives.values():
        service = _bare(ArchiveService, archive=archive)
        service.client = service._initialize_client()
        service.event_bus_name = extract_event_bus_name(archive.event_source_arn)
        service.rule_name = service.target_id = f"Events-Archive-{archive.name}"
        provider._archive_service_store[archive.arn] = service
    for replay in store.replays.values():
        provider._replay_service_store[replay.arn] = _bare(ReplayService, replay=replay)
    for connection in store.connections.values():
        provider._connection_service_store[connection.arn] = _bare(ConnectionService, connection=connection)
    for destination in store.api_destinations.values():
        name = destination.connection_arn.split("/")[1]
        provider._api_destination_service_store[destination.arn] = _bare(
            APIDestinationService, api_destination=destination, connection=store.connections.get(name)
        )


def _bare(kind: Any, **members: Any) -> Any:
    """An object with these members; its constructor would make a new resource."""
    made = kind.__new__(kind)
    made.__dict__.update(members)
    return made
