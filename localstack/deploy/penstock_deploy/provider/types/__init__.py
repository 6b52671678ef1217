"""One module for each AWS service, named as in the type tokens: `aws:s3/bucket:Bucket` lies in `s3.py`.

Adding a type: make a class in the service's module (make the module if there is none), decorate it with `@resource`,
fill in the table (`pulumi_type`, `inputs`, `outputs`, `required`, `immutable`, `defaults`... : see `ResourceType`), and write
create, read, update and delete over `aws.client("<service>")`; where AWS's operations follow its own naming, inherit from
`shaped_type.ShapedType`, which needs the names only. Functions are decorated with `@function("<token>")`.
"""
