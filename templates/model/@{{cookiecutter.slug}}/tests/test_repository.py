"""The repository's own files fit together."""

import json

from penstock_pipelines import configuration, definition

from @{{ cookiecutter.package }} import dataset, definitions

ROOT = definitions.CHECKOUT


def test_the_configuration_is_valid_and_names_known_columns() -> None:
    settings = configuration.load(ROOT)
    assert set(settings.monitor.features) <= {*dataset.INPUTS, "prediction"}


def test_inputs_from_the_store_are_features_of_it() -> None:
    known = {
        f"{name}_{feature.name}" for name, group in definitions.feature_groups().items() for feature in group.values
    }
    known |= {f"{name}_age_minutes" for name in definitions.feature_groups()}
    assert set(dataset.INPUTS) - known == {"origin", "carrier", "scheduled_minute", "weekday", "distance"}


def test_the_committed_pipeline_is_one() -> None:
    pipeline = definition.read(ROOT / configuration.load(ROOT).pipeline.definition)
    assert {"Evaluate", "Gate", "RegisterRequested"} <= set(pipeline.upstream("Register"))
    assert pipeline.upstream("Features") == ["Ingest", "Validate"]


def test_editors_get_the_schema_of_the_installed_penstock() -> None:
    assert json.loads((ROOT / "penstock.schema.json").read_text()) == configuration.json_schema()
