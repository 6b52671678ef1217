"""Checks the answers before anything is written; every wrong one gets a line that says what is wanted."""

import keyword
import re
import sys

ANSWERS = {
    "project_name": @{{ cookiecutter.project_name | jsonify }},
    "description": @{{ cookiecutter.description | jsonify }},
    "slug": @{{ cookiecutter.slug | jsonify }},
    "package": @{{ cookiecutter.package | jsonify }},
    "owner": @{{ cookiecutter.owner | jsonify }},
    "cost_center": @{{ cookiecutter.cost_center | jsonify }},
    "github_repository": @{{ cookiecutter.github_repository | jsonify }},
    "aws_region": @{{ cookiecutter.aws_region | jsonify }},
    "penstock_source": @{{ cookiecutter.penstock_source | jsonify }},
}
TAG = r"[A-Za-z0-9 _.:/=+@-]{1,128}"
LINE = r"[^\x00-\x1f\x7f\ud800-\udfff]{0,256}"
RULES = {
    "project_name": (LINE, "one line of at most 256 characters, without emoji"),
    "description": (LINE, "one line of at most 256 characters, without emoji"),
    "slug": (r"[a-z][a-z0-9]*(-[a-z0-9]+)*", "lower case letters, digits and single dashes, a letter first, e.g. flight-delays"),
    "package": (r"[a-z][a-z0-9_]*", "lower case letters, digits and underscores, a letter first, e.g. flight_delays"),
    "owner": (TAG, "a value of an AWS tag: letters, digits, spaces and _.:/=+@-"),
    "cost_center": (TAG, "a value of an AWS tag: letters, digits, spaces and _.:/=+@-"),
    "github_repository": (r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", "owner/name, e.g. acme/flight-delays"),
    "aws_region": (r"[a-z]{2}(-[a-z]+)+-\d", "a region of AWS, e.g. us-east-1"),
    "penstock_source": (r"[^\s'\"`$\\]+", "a version, an address or a path without spaces and quotes"),
}


def problems():
    for name, (pattern, wanted) in RULES.items():
        answer = ANSWERS[name]
        if not re.fullmatch(pattern, answer):
            yield f"{name}: {answer!r} will not do. It must be {wanted}."
    if len(ANSWERS["slug"]) > 40:
        yield f"slug: {ANSWERS['slug']!r} has {len(ANSWERS['slug'])} characters; names on AWS leave room for 40."
    package = ANSWERS["package"]
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or package.startswith("penstock"):
        yield f"package: {package!r} is taken by Python or by Penstock. Choose another name."


def main():
    found = list(problems())
    if found:
        print("The repository was not made:", file=sys.stderr)
        for problem in found:
            print(f"  {problem}", file=sys.stderr)
        sys.exit(1)


main()
