"""`pulumilocal`: Pulumi's own verbs and flags in a project's folder, on the local cloud."""
