"""`python3 -m greeter NAME` prints a greeting."""

import sys

from greeter.greeting import greet


def main() -> None:
    print(greet(" ".join(sys.argv[1:])))


if __name__ == "__main__":
    main()
