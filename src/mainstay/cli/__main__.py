"""`python -m mainstay.cli`, which is how a service starts the same code as its own child."""

from mainstay.cli.main import main

main()
