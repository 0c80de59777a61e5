"""`--simulator CONNECTION=URL`, as several commands read it."""

import click


def simulator_addresses(given: tuple[str, ...]) -> dict[str, str]:
    """The address of each simulator by connection.

    Raises:
        click.UsageError: for something that is not CONNECTION=URL.

    """
    found: dict[str, str] = {}
    for text in given:
        name, separator, url = text.partition("=")
        if not separator or not url.startswith(("http://", "https://")):
            raise click.UsageError(f"--simulator is written CONNECTION=http://host:port, not {text!r}")
        found[name] = url
    return found
