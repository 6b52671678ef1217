"""The feature store: what a feature group is, how its records are written and read, and how rows are joined to them.

- `definition`: features/*.yaml
- `records`: records as the store's APIs take them
- `offline`: the offline store's layout on S3
- `store`: writing and reading by AWS's APIs
- `point_in_time`: joining rows with what was known at their moment
"""
