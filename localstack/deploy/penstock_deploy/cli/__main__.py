"""`python -m penstock_deploy.cli`: the `pulumilocal` command."""

from penstock_deploy.cli.app import main

if __name__ == "__main__":
    main()
