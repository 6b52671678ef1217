"""How a model answers: its endpoint under one of nine strategies, if a version of it is to be live."""

from __future__ import annotations

import json
from typing import Any

import pulumi
from pulumi_aws import sagemaker, sns
from pydantic import Field

from penstock_infra import hosting, naming
from penstock_infra.components.batch_transform import BatchTransform, BatchTransformArguments
from penstock_infra.components.component import Arguments, Component
from penstock_infra.components.endpoint_alarms import EndpointAlarms, EndpointAlarmsArguments, alarm_names
from penstock_infra.components.endpoint_scaling import EndpointScaling, EndpointScalingArguments
from penstock_infra.inputs import Later, Text
from penstock_infra.model import EndpointSettings, ModelName, Strategy


class EndpointArguments(Arguments):
    """The model, its live version and the one that is compared with it, how they are served, and where data goes."""

    model: ModelName
    model_package_arn: str | None = Field(description="the version to serve; none while the registry is empty")
    challenger_package_arn: str | None = Field(
        default=None, description="the version that runs beside it under shadow and ab; other strategies take no notice"
    )
    settings: EndpointSettings = EndpointSettings()
    capture_bucket: Text = Field(description="bucket of captures, of asynchronous answers and of transform jobs")
    role_arn: Text = Field(description="the role that the model runs with")
    schedule_role_arn: Text | None = Field(
        default=None,
        description="the role that scheduled transform jobs are started with; batch with a schedule needs it",
    )
    subnet_ids: tuple[str, ...] | Later = Field(
        default=(), description="subnets that the model runs in; AWS's own if none"
    )
    security_group_id: Text = Field(default="", description="the security group of the model in these subnets")
    alarm_topic_arn: Text = Field(description="the topic that alarms are told to")
    data_key_arn: Text = Field(description="KMS key of disks and topics")
    artifact_key_arn: Text = Field(description="KMS key of captures and answers in S3")


class Endpoint(Component):
    """A SageMaker endpoint that serves one registered version, captured, encrypted, alarmed and scaled.

    `settings.strategy` chooses how a new version takes over: all_at_once, canary, linear and rolling move traffic from the
    old fleet to the new and back when an alarm goes off; shadow copies requests to a challenger, ab gives it a share of
    them; serverless, async and batch are other ways to answer (batch makes no endpoint but a transform job).

    Without a version, or switched off, it makes nothing: a new model's stack is green before its first approval. A new
    version makes a new model and configuration beside the old ones, and the endpoint is updated in place. Should anything
    ever want to replace it, AWS refuses the second endpoint of the same name before the first is touched. An `ml.m5.large`
    costs about 83 USD a month; two alarms 0.20 USD; a serverless endpoint and a transform job only what they compute.
    """

    TYPE = "penstock:serving:Endpoint"

    endpoint_name: pulumi.Output[str]
    model_name: pulumi.Output[str]
    transform_request: pulumi.Output[str]

    def __init__(self, name: str, args: EndpointArguments, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts)
        self.endpoint_name = self.model_name = self.transform_request = pulumi.Output.from_input("")
        if args.model_package_arn is not None and args.settings.enabled:
            self._answer(name, args, args.model_package_arn)
        self.finish({"endpointName": self.endpoint_name, "modelName": self.model_name})

    def _answer(self, name: str, args: EndpointArguments, package_arn: str) -> None:
        """Makes what answers: a model with an endpoint, or with a transform job."""
        live = self._model(name, args, package_arn)
        self.model_name = live.name
        if not args.settings.strategy.has_endpoint:
            transform = BatchTransform(
                name,
                BatchTransformArguments(
                    placement=args.placement,
                    model=args.model,
                    model_name=live.name,
                    settings=args.settings,
                    bucket=args.capture_bucket,
                    schedule_role_arn=args.schedule_role_arn,
                    data_key_arn=args.data_key_arn,
                    artifact_key_arn=args.artifact_key_arn,
                ),
                opts=self.child(),
            )
            self.transform_request = transform.job_request
            return
        challenger = None
        if args.settings.strategy.compares and args.challenger_package_arn not in (None, package_arn):
            challenger = self._model(name, args, str(args.challenger_package_arn))
        configuration = self._configuration(name, args, live, challenger)
        self.endpoint_name = self._endpoint(name, args, configuration, compared=challenger is not None)

    def _model(self, name: str, args: EndpointArguments, package_arn: str) -> sagemaker.Model:
        """The model of one registered version, named by it: a challenger that is promoted stays the resource that it is."""
        # SageMaker puts no serverless endpoint into a network.
        joins = args.settings.strategy is not Strategy.SERVERLESS
        network = pulumi.Output.all(args.subnet_ids, args.security_group_id) if joins else None
        vpc: Any = network.apply(_vpc) if network is not None else None
        return sagemaker.Model(
            f"{name}-{package_arn.rsplit('/', 1)[-1]}",
            name=_versioned(args.model, {"package": package_arn, "role": args.role_arn, "vpc": vpc}),
            execution_role_arn=args.role_arn,
            primary_container={"model_package_name": package_arn},
            vpc_config=vpc,
            tags=self.tags,
            opts=self.child(),
        )

    def _configuration(
        self, name: str, args: EndpointArguments, live: sagemaker.Model, challenger: sagemaker.Model | None
    ) -> sagemaker.EndpointConfiguration:
        """The variants, what is captured of them, and the keys; it cannot be changed, so its name holds its content.

        So does the resource's: should an update be rolled back, what the endpoint then still uses is the resource that it
        was, and there is nothing to be made under a name that exists.
        """
        bucket, topics = args.capture_bucket, self._topics(name, args)

        def under(folder: str) -> pulumi.Output[str]:
            return pulumi.Output.concat("s3://", bucket, f"/{folder}/{args.model}")

        def shape(model: Text, other: Text | None, *, known: bool) -> dict[str, Any]:
            """The configuration; `known`: with nothing in it that comes later."""
            capture, output, failure = (
                folder if known else under(folder) for folder in ("capture", "async/output", "async/failure")
            )
            artifact_key, data_key = ("key", "key") if known else (args.artifact_key_arn, args.data_key_arn)
            told = ("success", "error") if known and topics else topics
            settings = args.settings
            whole: dict[str, Any] = {
                "production_variants": hosting.production_variants(settings, model, other),
                "shadow_production_variants": hosting.shadow_variants(settings, other),
                "data_capture_config": hosting.capture(settings, capture, artifact_key),
                "async_inference_config": hosting.async_inference(settings, output, failure, artifact_key, told),
                "kms_key_arn": data_key if settings.disks_take_a_key else None,
            }
            return {key: value for key, value in whole.items() if value is not None}

        compared = args.challenger_package_arn if challenger is not None else None
        content = json.dumps(shape(str(args.model_package_arn), compared, known=True), sort_keys=True)
        made = shape(live.name, challenger.name if challenger is not None else None, known=False)
        return sagemaker.EndpointConfiguration(
            f"{name}-{naming.digest(content)}",
            name=_versioned(args.model, made),
            **made,
            tags=self.tags,
            opts=self.child(),
        )

    def _topics(self, name: str, args: EndpointArguments) -> tuple[Text, Text] | None:
        """The topics that an asynchronous endpoint tells of success and failure, encrypted."""
        if args.settings.strategy is not Strategy.ASYNC or not args.settings.async_inference.notify:
            return None
        success, error = (
            sns.Topic(
                f"{name}-{outcome}",
                name=args.placement.name(naming.TOPIC, "async", args.model, outcome),
                kms_master_key_id=args.data_key_arn,
                tags=self.tags,
                opts=self.child(),
            ).arn
            for outcome in ("success", "error")
        )
        return success, error

    def _endpoint(
        self, name: str, args: EndpointArguments, configuration: sagemaker.EndpointConfiguration, *, compared: bool
    ) -> pulumi.Output[str]:
        """The endpoint with its alarms and its scaling; gives its name."""
        settings = args.settings
        physical = hosting.endpoint_name(args.model, settings)
        logical = physical if physical != args.model else name
        guarded = settings.strategy not in (Strategy.SERVERLESS, Strategy.ASYNC)

        def watch(variant: str, purpose: str = "") -> EndpointAlarms:
            return EndpointAlarms(
                f"{logical}{purpose}",
                EndpointAlarmsArguments(
                    placement=args.placement,
                    endpoint_name=physical,
                    variant=variant,
                    endpoint_config_name=configuration.name if guarded else None,
                    queued=settings.strategy is Strategy.ASYNC,
                    settings=settings.alarms,
                    topic_arn=args.alarm_topic_arn,
                ),
                opts=self.child(),
            )

        alarms = watch(hosting.VARIANT)
        if compared and settings.strategy is Strategy.AB:
            watch(hosting.CHALLENGER, "-challenger")
        deployment: Any = hosting.deployment(settings, alarm_names(physical))
        endpoint = sagemaker.Endpoint(
            logical,
            name=physical,
            endpoint_config_name=configuration.name,
            deployment_config=deployment,
            tags=self.tags,
            # Never the old one first: while the new one cannot be made, the old one serves.
            opts=pulumi.ResourceOptions.merge(
                self.child(depends_on=[alarms]), pulumi.ResourceOptions(delete_before_replace=False)
            ),
        )
        if settings.scaling is not None:
            EndpointScaling(
                logical,
                EndpointScalingArguments(
                    placement=args.placement,
                    endpoint_name=physical,
                    endpoint=endpoint.name,
                    strategy=settings.strategy,
                    settings=settings.scaling,
                ),
                opts=self.child(),
            )
        endpoint_name: pulumi.Output[str] = endpoint.name
        return endpoint_name


def _vpc(known: list[Any]) -> dict[str, Any] | None:
    """The network as SageMaker takes it; None without one."""
    subnets, group = known
    return {"subnets": sorted(subnets), "security_group_ids": [group]} if subnets else None


def _versioned(model: str, content: dict[str, Any]) -> pulumi.Output[str]:
    """`<model>-<hash of content>`: what cannot be changed gets a new name, and is made before the old one goes."""
    return pulumi.Output.from_input(content).apply(
        lambda known: f"{model}-{naming.digest(json.dumps(known, sort_keys=True))}"
    )
