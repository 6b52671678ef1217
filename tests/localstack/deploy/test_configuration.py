"""Projects, stack configuration, secrets, stack references."""

from __future__ import annotations

from pathlib import Path

import pytest
from folder_stack import PASSPHRASE, Stack, make_stack

from penstock_deploy import Deployment, DeploymentError
from penstock_deploy.state.secrets import PassphraseSecrets
from penstock_deploy.target import from_environment


def test_values_of_the_stack_the_project_and_the_caller(stack: Stack) -> None:
    (stack.directory / "Pulumi.yaml").write_text(
        "name: app\nruntime: python\nconfig:\n  size: {type: integer, default: 3}\n  place: {default: here}\n"
        "  other: {type: string}\n"
    )
    stack.configure("config:\n  app:size: 4\n  other: [1, 2]\n")
    stack.write("""
    config = pulumi.Config()
    pulumi.export("size", config.require_int("size"))
    pulumi.export("place", config.require("place"))
    pulumi.export("other", config.require_object("other"))
    """)
    assert stack.run("preview").outputs == {"size": 4, "place": "here", "other": [1, 2]}
    assert stack.run("preview", configuration={"place": "there"}).outputs["place"] == "there"
    assert stack.run("preview", configuration={"app:size": "9"}).outputs["size"] == 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config:\n  app:size: many\n", "configuration app:size must be of type integer"),
        ("config: {}\n", "configuration app:size is required"),
        ("config:\n  app:size: 1\n  app:sizes: 2\n", "app:sizes is not declared.*\n.*Did you mean app:size"),
        ("config: [\n", "not valid YAML"),
        ("- a\n", "must hold a mapping"),
        ("environment: [x]\nconfig: {app:size: 1}\n", "Pulumi ESC"),
        ("secretsprovider: awskms://x\nconfig: {app:size: 1}\n", "secrets provider"),
        ("config:\n  app:size: {secure: abc}\n", "has no encryptionsalt"),
        ("config:\n  app:size: 1\n  pulumi:autonaming: {mode: other}\n", "pulumi:autonaming: there is no mode 'other'"),
    ],
)
def test_wrong_configuration_says_what_and_where(stack: Stack, text: str, message: str) -> None:
    (stack.directory / "Pulumi.yaml").write_text("name: app\nruntime: python\nconfig:\n  size: {type: integer}\n")
    stack.configure(text).write("pass\n")
    with pytest.raises(DeploymentError, match=message):
        stack.run("preview")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("runtime: python\n", "has no `name`"),
        ("name: app\nruntime: nodejs\n", "runtime 'nodejs'"),
        ("name: app\nruntime: python\npackages: {a: b}\n", "`packages`"),
    ],
)
def test_a_wrong_project_file(stack: Stack, text: str, message: str) -> None:
    (stack.directory / "Pulumi.yaml").write_text(text)
    with pytest.raises(DeploymentError, match=message):
        stack.deployment()


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"has no Pulumi\.yaml"):
        Deployment(tmp_path, "dev", environment={"AWS_ENDPOINT_URL": "http://localhost:1"})


def test_a_project_needs_no_stack_file_and_gets_none(stack: Stack) -> None:
    stack.up("pass\n")
    assert not (stack.directory / "Pulumi.dev.yaml").exists()


def test_a_program_elsewhere_in_the_project(stack: Stack) -> None:
    (stack.directory / "Pulumi.yaml").write_text("name: app\nruntime: {name: python}\nmain: src/\n")
    (stack.directory / "src").mkdir()
    (stack.directory / "src/__main__.py").write_text("import pulumi, beside\npulumi.export('x', beside.X)\n")
    (stack.directory / "src/beside.py").write_text("X = 1\n")
    assert stack.run("preview").outputs == {"x": 1}


def test_secure_values_stay_secret(stack: Stack) -> None:
    secrets = PassphraseSecrets("correct horse")
    stack.configure(f"encryptionsalt: {secrets.salt}\nconfig:\n  app:word: {{secure: {secrets.encrypt('xyzzy')}}}\n")
    result = stack.up("""
    word = pulumi.Config().require_secret("word")
    item = Item("a", hidden=word, tags={"deep": [word]})
    pulumi.export("word", word)
    pulumi.export("derived", pulumi.Output.concat("say ", word))
    """)
    assert result.outputs == {"word": "[secret]", "derived": "[secret]"}
    assert "xyzzy" not in str(result.to_json())
    assert next(iter(stack.items.values()))["hidden"] == "xyzzy"
    backend = stack.state_path.parents[2]
    for path in backend.rglob("*"):
        assert not path.is_file() or b"xyzzy" not in path.read_bytes(), path
    deployment = stack.deployment()
    assert deployment.outputs() == {"word": "[secret]", "derived": "[secret]"}
    assert deployment.outputs(show_secrets=True) == {"word": "xyzzy", "derived": "say xyzzy"}
    assert "xyzzy" not in str(deployment.resources())
    first = stack.resource("a")["inputs"]["hidden"]["ciphertext"]
    assert not stack.up().has_changes
    assert stack.resource("a")["inputs"]["hidden"]["ciphertext"] == first, "equal secrets keep their ciphertext"


def test_stack_references(tmp_path: Path) -> None:
    lower = make_stack(tmp_path, "lower")
    lower.up('pulumi.export("plain", {"a": [1]})\npulumi.export("hidden", pulumi.Output.secret("deep"))\n')
    upper = make_stack(tmp_path, "upper")
    result = upper.up("""
    lower = pulumi.StackReference("organization/lower/dev")
    Item("a", text=lower.require_output("hidden"))
    pulumi.export("plain", lower.get_output("plain"))
    pulumi.export("hidden", lower.get_output("hidden"))
    pulumi.export("absent", lower.get_output("absent"))
    """)
    assert result.outputs["plain"] == {"a": [1]}
    assert result.outputs["hidden"] == "[secret]"
    assert upper.deployment().outputs(show_secrets=True)["hidden"] == "deep"
    assert "deep" not in upper.state_path.read_text()
    assert not upper.up().has_changes
    assert upper.run("destroy").ok


def test_a_reference_to_a_stack_that_is_not_there(stack: Stack) -> None:
    result = stack.write('pulumi.StackReference("organization/nowhere/dev")\n').run("preview")
    assert "the stack organization/nowhere/dev does not exist" in result.errors[0]
    result = stack.write('pulumi.StackReference("nowhere")\n').run("preview")
    assert "does not name a stack" in result.errors[0]


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "AWS_ENDPOINT_URL is not set"),
        ({"AWS_ENDPOINT_URL": "https://sagemaker.us-east-1.amazonaws.com"}, "not on this machine"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "https://s3.aws"}, "AWS_ENDPOINT_URL_S3"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "AKIA123"},
            "not an account of the local cloud",
        ),
    ],
)
def test_the_engine_goes_nowhere_but_to_the_local_cloud(environment: dict[str, str], message: str) -> None:
    with pytest.raises(DeploymentError, match=message):
        from_environment(environment)


@pytest.mark.parametrize("url", ["", "s3://bucket", "https://api.pulumi.com"])
def test_other_backends_are_refused(stack: Stack, url: str) -> None:
    stack.environment["PULUMI_BACKEND_URL"] = url
    with pytest.raises(DeploymentError):
        stack.write("pass\n").run("preview")


def test_no_passphrase(stack: Stack) -> None:
    del stack.environment["PULUMI_CONFIG_PASSPHRASE"]
    with pytest.raises(DeploymentError, match="no passphrase"):
        stack.write("pass\n").run("preview")
    stack.environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(stack.directory / "none")
    with pytest.raises(DeploymentError, match="cannot be read"):
        stack.run("preview")
    (stack.directory / "none").write_text(f"{PASSPHRASE}\n")
    assert stack.run("preview").ok


def test_a_stack_that_was_never_up(stack: Stack) -> None:
    with pytest.raises(DeploymentError, match="does not exist"):
        stack.deployment().outputs()
    with pytest.raises(DeploymentError, match="not a stack name"):
        Deployment(stack.directory, "no/slash", environment=stack.environment)
