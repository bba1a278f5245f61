"""`python -m assent`."""

from assent.cli import main

if __name__ == "__main__":
    main()
