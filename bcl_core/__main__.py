"""`python -m bcl_core`: see `bcl_core.cli`."""

from bcl_core.cli import main

if __name__ == "__main__":
    main()
