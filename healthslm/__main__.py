"""`python -m healthslm` is the command `healthslm`."""

from healthslm.cli import main

if __name__ == "__main__":
    main()
