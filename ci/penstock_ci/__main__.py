"""`python -m penstock_ci`: the same as the `penstock` command."""

from penstock_ci.app import main

if __name__ == "__main__":
    main()
