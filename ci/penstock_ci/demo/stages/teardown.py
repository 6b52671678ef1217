"""After the stages, where asked for: every stack is destroyed, and nothing may be left."""

from __future__ import annotations

from penstock_ci.demo.session import Facts, Session, check
from penstock_ci.demo.settings import DEPLOYED


def run(session: Session) -> Facts:
    """Delete the versions, destroy in the order of dependency, look for what is left, stop the cloud."""
    versions = _delete_versions(session)
    deleted = int(session.in_repository("destroy", "infra")["counts"].get("delete", 0))
    deleted += int(session.penstock("destroy", "--all")["counts"].get("delete", 0))
    _delete_traces(session)
    left = _left(session)
    check(not left, f"these are left: {', '.join(left)}")
    session.penstock("cloud", "down")
    return {"versions deleted": versions, "resources deleted": deleted, "left": "nothing"}


def _delete_versions(session: Session) -> int:
    """A registry with versions is never destroyed, here as on AWS: they are deleted by hand, which says it is meant."""
    client = session.client("sagemaker")
    pages = client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=DEPLOYED)
    arns = [summary["ModelPackageArn"] for page in pages for summary in page["ModelPackageSummaryList"]]
    for arn in arns:
        client.delete_model_package(ModelPackageName=arn)
    return len(arns)


def _delete_traces(session: Session) -> None:
    """What verbs and services wrote beside the stacks: which version was live, and logs."""
    ssm, logs = session.client("ssm"), session.client("logs")
    names = [entry["Name"] for entry in ssm.describe_parameters()["Parameters"]]
    ours = [name for name in names if name.startswith(f"/penstock/local/{DEPLOYED}/")]
    if ours:
        ssm.delete_parameters(Names=ours)
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/sagemaker/"):
        for group in page["logGroups"]:
            logs.delete_log_group(logGroupName=group["logGroupName"])


def _left(session: Session) -> list[str]:
    """Names of what the stacks made and is still there."""
    sagemaker, iam, cloudwatch = session.client("sagemaker"), session.client("iam"), session.client("cloudwatch")
    found = [f"bucket {bucket['Name']}" for bucket in session.client("s3").list_buckets()["Buckets"]]
    found += [f"endpoint {entry['EndpointName']}" for entry in sagemaker.list_endpoints()["Endpoints"]]
    found += [f"pipeline {entry['PipelineName']}" for entry in sagemaker.list_pipelines()["PipelineSummaries"]]
    found += [
        f"feature group {e['FeatureGroupName']}" for e in sagemaker.list_feature_groups()["FeatureGroupSummaries"]
    ]
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    found += [f"model package group {entry['ModelPackageGroupName']}" for entry in groups]
    found += [f"role {role['RoleName']}" for role in iam.list_roles()["Roles"] if "penstock" in role["RoleName"]]
    found += [f"alarm {alarm['AlarmName']}" for alarm in cloudwatch.describe_alarms()["MetricAlarms"]]
    rules = session.client("events").list_rules()["Rules"]
    found += [f"rule {rule['Name']}" for rule in rules if rule["Name"].startswith("penstock")]
    parameters = session.client("ssm").describe_parameters()["Parameters"]
    found += [f"parameter {entry['Name']}" for entry in parameters if entry["Name"].startswith("/penstock/")]
    found += [
        f"image repository {r['repositoryName']}" for r in session.client("ecr").describe_repositories()["repositories"]
    ]
    found += [f"log group {g['logGroupName']}" for g in session.client("logs").describe_log_groups()["logGroups"]]
    return found
