"""A limit on what training may cost in a month, which stops it when it is reached."""

from __future__ import annotations

import pulumi
from pulumi_aws import budgets, iam
from pydantic import Field

from penstock_infra import naming
from penstock_infra.components.budget import amount
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.notification_topic import Email
from penstock_infra.components.spend_limit_role import SpendLimitRole, SpendLimitRoleArguments
from penstock_infra.iam import Denial, Document
from penstock_infra.inputs import Text

DENIED = (
    "emr-serverless:StartJobRun",
    "sagemaker:CreateApp",
    "sagemaker:CreateAutoMLJobV2",
    "sagemaker:CreateCluster",
    "sagemaker:CreateHyperParameterTuningJob",
    "sagemaker:CreateNotebookInstance",
    "sagemaker:CreateProcessingJob",
    "sagemaker:CreateTrainingJob",
    "sagemaker:CreateTransformJob",
    "sagemaker:StartNotebookInstance",
    "sagemaker:StartPipelineExecution",
)
"""What starts something that is paid by the hour. What runs goes on: stopping it would lose work, and endpoints serve."""
SERVICES = ("Amazon SageMaker", "EMR Serverless")
"""As Cost Explorer calls them."""


class SpendLimitArguments(Arguments):
    """What training may cost in a month, whose starting stops then, and who is told."""

    monthly_usd: float = Field(
        gt=0, description="the limit, in USD a month, of what carries the stack's tag Environment"
    )
    role_names: tuple[Text, ...] = Field(min_length=1, max_length=100, description="the roles that then start no more")
    permissions_boundary_arn: Text
    topic_arn: Text = Field(description="the topic that is told; its policy must let AWS Budgets publish")
    emails: tuple[Email, ...] = Field(default=(), max_length=10, description="addresses told besides")


class SpendLimit(Component):
    """A budget of SageMaker and EMR Serverless in this stack, whose action denies roles to start anything more.

    At 100 % of the actual cost AWS Budgets attaches a policy to the roles by itself: no training, processing, tuning or
    transform job, pipeline run or notebook app starts. What runs goes on, and endpoints serve. To take it away before AWS
    does: `aws budgets execute-budget-action --execution-type REVERSE_BUDGET_ACTION`, or a higher limit. AWS counts costs
    hours late, by tags that are active for cost allocation: this is a brake and not a wall. The first two actions of an
    account are free, each further one costs 0.10 USD a day.
    """

    TYPE = "penstock:operations:SpendLimit"

    budget_name: str
    action_id: pulumi.Output[str]

    def __init__(self, name: str, args: SpendLimitArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        placement = args.placement
        self.budget_name = placement.name(naming.BUDGET, "spend-limit")
        policy = iam.Policy(
            name,
            name=placement.name(naming.POLICY, "stop-spending"),
            description="Attached by AWS Budgets when the month's limit is reached: nothing more is started",
            policy=denial().render(),
            tags=self.tags,
            opts=self.child(),
        )
        partition, account = placement.partition, placement.account
        role = SpendLimitRole(
            name,
            SpendLimitRoleArguments(
                placement=placement,
                permissions_boundary_arn=args.permissions_boundary_arn,
                role_arns=tuple(
                    pulumi.Output.concat(f"arn:{partition}:iam::{account}:role/", role_name)
                    for role_name in args.role_names
                ),
            ),
            opts=self.child(),
        )
        budget = budgets.Budget(
            name,
            name=self.budget_name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=amount(args.monthly_usd),
            limit_unit="USD",
            cost_filters=[
                {"name": "Service", "values": list(SERVICES)},
                # `user:` marks tags of one's own among the cost allocation tags.
                {"name": "TagKeyValue", "values": [f"user:Environment${placement.tags.environment}"]},
            ],
            tags=self.tags,
            opts=self.child(),
        )
        action = budgets.BudgetAction(
            name,
            budget_name=budget.name,
            action_type="APPLY_IAM_POLICY",
            approval_model="AUTOMATIC",
            notification_type="ACTUAL",
            action_threshold={"action_threshold_type": "PERCENTAGE", "action_threshold_value": 100},
            definition={"iam_action_definition": {"policy_arn": policy.arn, "roles": list(args.role_names)}},
            execution_role_arn=role.arn,
            subscribers=[
                {"subscription_type": "SNS", "address": args.topic_arn},
                *({"subscription_type": "EMAIL", "address": email} for email in args.emails),
            ],
            tags=self.tags,
            opts=self.child(),
        )
        self.action_id = action.action_id
        self.finish({"budgetName": self.budget_name, "actionId": self.action_id})


def denial() -> Document:
    """No more of what is paid by the hour, wherever it would run."""
    return Document.of(Denial(sid="StopSpending", actions=DENIED, resources=("*",), of_identity=True))
