"""The one comment of a pull request: `reports` reads what the workflow's verbs wrote, `markdown` makes the text of it."""
