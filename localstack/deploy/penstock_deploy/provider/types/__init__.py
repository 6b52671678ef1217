"""One module for each AWS service, named as in the type tokens: `aws:s3/bucket:Bucket` lies in `s3.py`. A service of many
kinds is a package that imports its modules: `aws:sagemaker/endpoint:Endpoint` lies in `sagemaker/endpoint.py`.

Adding a type, say `aws:resourcegroups/group:Group`:

1. Read what Pulumi's provider does: the type's page in the registry of pulumi.com says which inputs replace the resource,
   which have defaults and what is computed; `pulumi_aws/<service>/<type>.py` spells the names.
2. Make a class in the service's module (make the module if there is none) and decorate it with `@resource`. Fill in the
   table of names; `ResourceType` describes each line of it.
3. Write create, read, update and delete over `aws.client("<service>")`. Where AWS's operations follow its own naming,
   inherit from `shaped_type.ShapedType` instead, which needs the names only. Functions are decorated with
   `@function("<token>")`. What `read` tells is compared with the program's inputs: leave out what AWS does not tell.
4. Write a test of its life on a local cloud, as in tests/localstack/deploy/types/: up, unchanged, refreshed, changed in
   place, replaced, destroyed. The tests of the table compare its names with pulumi_aws's by themselves.

The whole of it, in `resourcegroups.py`:

    from __future__ import annotations

    from penstock_deploy.provider.clients import Aws
    from penstock_deploy.provider.registry import resource
    from penstock_deploy.provider.resource_type import ResourceType, absent
    from penstock_deploy.provider.tagging import Tagging
    from penstock_deploy.values import Properties

    _TAGGING = Tagging("resource-groups", arn="Arn", tag="Tag", untag="Untag", list="GetTags", keys="Keys", as_map=True)
    _MISSING = ("NotFoundException",)


    @resource
    class Group(ResourceType):
        pulumi_type = "aws:resourcegroups/group:Group"
        inputs = "name description resourceQuery"  # what a program may give; `region` and `tags` come by themselves
        outputs = "arn"  # what only AWS knows
        required = "resourceQuery"
        immutable = "name"  # a change replaces the group
        named = "name"  # named by the logical name and random digits when the program gives none
        name_limit = 300
        taggable = True

        def create(self, aws: Aws, inputs: Properties) -> str:
            query = inputs["resourceQuery"]
            aws.client("resource-groups").create_group(
                Name=inputs["name"],
                Description=inputs.get("description") or "",
                ResourceQuery={"Type": query.get("type") or "TAG_FILTERS_1_0", "Query": query["query"]},
                Tags=_TAGGING.wrap(inputs.get("tags")),
            )
            return str(inputs["name"])

        def read(self, aws: Aws, id_: str, known: Properties) -> Properties | None:
            groups = aws.client("resource-groups")
            found = absent(lambda: groups.get_group(GroupName=id_), *_MISSING)
            if found is None:
                return None
            query = groups.get_group_query(GroupName=id_)["GroupQuery"]["ResourceQuery"]
            return {
                "name": id_,
                "arn": found["Group"]["GroupArn"],
                "description": found["Group"].get("Description") or None,
                "resourceQuery": {"type": query["Type"], "query": query["Query"]},
                "region": aws.region,
                "tags": _TAGGING.read(aws, found["Group"]["GroupArn"]),
            }

        def update(self, aws: Aws, id_: str, inputs: Properties, old: Properties, changed: set[str]) -> None:
            groups = aws.client("resource-groups")
            if "description" in changed:
                groups.update_group(GroupName=id_, Description=inputs.get("description") or "")
            if "resourceQuery" in changed:
                query = inputs["resourceQuery"]
                asked = {"Type": query.get("type") or "TAG_FILTERS_1_0", "Query": query["query"]}
                groups.update_group_query(GroupName=id_, ResourceQuery=asked)
            if "tags" in changed:
                _TAGGING.sync(aws, groups.get_group(GroupName=id_)["Group"]["GroupArn"], inputs, old)

        def delete(self, aws: Aws, id_: str, inputs: Properties) -> None:
            absent(lambda: aws.client("resource-groups").delete_group(GroupName=id_), *_MISSING)

        def locate(self, aws: Aws, inputs: Properties) -> str | None:
            return str(inputs["name"])  # what a creation of unknown outcome would have left
"""
