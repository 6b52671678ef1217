"""The SM_* variables that a script in script mode finds, by the names of the SageMaker training toolkit."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Mapping
from typing import Any

from penstock_services.containers.framework import paths
from penstock_services.containers.framework.job import TrainingJob, decoded

# Hyperparameters that the toolkit keeps for itself: the script gets them neither as arguments nor in SM_HPS.
_RESERVED = (
    "sagemaker_program", "sagemaker_submit_directory", "sagemaker_container_log_level", "sagemaker_job_name",
    "sagemaker_region", "sagemaker_enable_cloudwatch_metrics", "sagemaker_requirements",
    "sagemaker_mpi_enabled", "sagemaker_mpi_num_of_processes_per_host", "sagemaker_mpi_custom_mpi_options",
    "sagemaker_parameter_server_enabled", "sagemaker_instance_type", "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_distributed_dataparallel_custom_mpi_options", "sagemaker_torch_distributed_enabled",
    "sagemaker_pytorch_ddp_enabled", "sagemaker_pytorch_xla_multi_worker_enabled",
    "sagemaker_multi_worker_mirrored_strategy_enabled", "sagemaker_estimator_class_name",
    "sagemaker_estimator_module", "_tuning_objective_metric",
)  # fmt: skip


def user_hyperparameters(job: TrainingJob) -> dict[str, Any]:
    """The hyperparameters that are the script's."""
    return {name: decoded(text) for name, text in job.hyperparameters.items() if name not in _RESERVED}


def framework_parameters(job: TrainingJob) -> dict[str, Any]:
    """The hyperparameters that are the toolkit's."""
    return {name: decoded(text) for name, text in job.hyperparameters.items() if name in _RESERVED}


def text_of(value: Any) -> str:
    """A value as a variable or argument: texts as they are, everything else in JSON; booleans and None as in Python."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return str(value)
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """Hyperparameters as the script's command line: ``--name value``, one-letter names with one dash, by name."""
    words = []
    for name, value in sorted(hyperparameters.items()):
        words += [f"{'-' if len(name) == 1 else '--'}{name}", text_of(value)]
    return words


def training(job: TrainingJob, program: str, source: str) -> dict[str, str]:
    """The variables of a script, ``program``, whose folder is ``source``."""
    hyperparameters = user_hyperparameters(job)
    own = framework_parameters(job)
    channels = sorted(job.channels)
    values: dict[str, Any] = {
        "MODEL_DIR": str(paths.MODEL),
        "INPUT_DIR": str(paths.INPUT),
        "INPUT_CONFIG_DIR": str(paths.CONFIG),
        "OUTPUT_DIR": str(paths.OUTPUT),
        "OUTPUT_DATA_DIR": str(paths.OUTPUT_DATA),
        "OUTPUT_INTERMEDIATE_DIR": str(paths.INTERMEDIATE),
        "CHANNELS": channels,
        "HPS": hyperparameters,
        "HOSTS": job.hosts,
        "CURRENT_HOST": job.host,
        "CURRENT_INSTANCE_TYPE": job.resources.get("current_instance_type", "ml.m5.large"),
        "CURRENT_INSTANCE_GROUP": job.resources.get("current_group_name", "homogeneousCluster"),
        "CURRENT_INSTANCE_GROUP_HOSTS": _group_hosts(job),
        "NETWORK_INTERFACE_NAME": job.resources.get("network_interface_name", "eth0"),
        "NUM_CPUS": multiprocessing.cpu_count(),
        "NUM_GPUS": 0,
        "NUM_NEURONS": 0,
        "LOG_LEVEL": own.get("sagemaker_container_log_level", 20),
        "MODULE_NAME": program.removesuffix(".py"),
        "MODULE_DIR": own.get("sagemaker_submit_directory", source),
        "USER_ENTRY_POINT": program,
        "USER_ARGS": arguments(hyperparameters),
        "FRAMEWORK_PARAMS": own,
        "FRAMEWORK_MODULE": f"penstock_{os.environ.get('PENSTOCK_FRAMEWORK', 'python')}:main",
        "RESOURCE_CONFIG": job.resources,
        "INPUT_DATA_CONFIG": job.channels,
        "IS_HETERO": False,
    }
    values |= {f"CHANNEL_{name.upper()}": str(job.channel(name)) for name in channels}
    values |= {f"HP_{name.upper().replace('-', '_')}": value for name, value in hyperparameters.items()}
    values["TRAINING_ENV"] = {
        "channel_input_dirs": {name: str(job.channel(name)) for name in channels},
        "current_host": job.host,
        "framework_module": values["FRAMEWORK_MODULE"],
        "hosts": job.hosts,
        "hyperparameters": hyperparameters,
        "input_config_dir": str(paths.CONFIG),
        "input_data_config": job.channels,
        "input_dir": str(paths.INPUT),
        "is_master": job.is_master,
        "job_name": own.get("sagemaker_job_name") or os.environ.get("TRAINING_JOB_NAME"),
        "log_level": values["LOG_LEVEL"],
        "master_hostname": job.hosts[0],
        "model_dir": str(paths.MODEL),
        "module_dir": values["MODULE_DIR"],
        "module_name": values["MODULE_NAME"],
        "network_interface_name": values["NETWORK_INTERFACE_NAME"],
        "num_cpus": values["NUM_CPUS"],
        "num_gpus": 0,
        "output_data_dir": str(paths.OUTPUT_DATA),
        "output_dir": str(paths.OUTPUT),
        "output_intermediate_dir": str(paths.INTERMEDIATE),
        "resource_config": job.resources,
        "user_entry_point": program,
    }
    return {f"SM_{name}": text_of(value) for name, value in values.items()}


def _group_hosts(job: TrainingJob) -> list[str]:
    name = job.resources.get("current_group_name")
    for group in job.resources.get("instance_groups") or []:
        if group.get("instance_group_name") == name:
            return list(group.get("hosts") or [])
    return job.hosts
