"""Says what to do next."""

print(
    """
Made @{{ cookiecutter.slug }}. Next:
  cd @{{ cookiecutter.slug }}
  git init --initial-branch main && git add --all && git commit --message "Model repository from Penstock's template"
  make setup test
  penstock cloud up && penstock up --all && penstock up infra && penstock train
"""
)
