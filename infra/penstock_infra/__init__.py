"""Pulumi components of Penstock: one AWS capability a file, safe by default, tagged, encrypted and named within limits.

Contents, pure first:

- `naming`, `tags`, `placement`: what a resource is called, whom it belongs to, where it lives.
- `iam`, `grants`, `oidc`: policy documents, the permissions the kit hands out, trust in GitHub's workflows.
- `events`, `features`, `definition`, `model`: event rules, feature definitions, the compiled pipeline, `penstock.yaml`.
- `network`: how a private network's addresses are divided.
- `configuration`, `platform`, `stack`: a stack's settings, what one project hands to another, and where a program runs.
- `registry`: where models are registered that another stack deploys.
- `components/`: the ComponentResources.

Programs that use them are in `infra/projects/` and in every model repository's `infra/`.
"""
