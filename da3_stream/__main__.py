"""`python -m da3_stream` is the command `da3-stream`."""

from .cli import main

if __name__ == "__main__":
    main()
