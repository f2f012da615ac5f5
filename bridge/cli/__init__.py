"""The command ``bridge``: one file per command, each a thin skin over an importable function."""


def main() -> None:
    """Run the command line and exit with its code (see ``bridge.cli.exits``)."""
    from bridge.cli.standard_streams import standard_streams

    with standard_streams():
        from bridge.cli.app import app

        app()
