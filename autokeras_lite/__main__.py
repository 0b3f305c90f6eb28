"""Lets `python -m autokeras_lite` do what `autokeras-lite` does."""

from autokeras_lite.cli.main import main

if __name__ == "__main__":
    main()
