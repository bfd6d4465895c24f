"""colloquy schema: what a config may say, for editors and for people."""

import json
from pathlib import Path

import click


@click.command()
@click.option("--markdown", is_flag=True, help="Print tables for people instead of JSON Schema for editors.")
@click.option(
    "--update",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Replace the tables in this Markdown file, below its line that says so.",
)
def schema(markdown: bool, update: Path | None) -> None:
    """Print the JSON Schema (draft 2020-12) of a config.

    Example: colloquy schema > colloquy.schema.json
    """
    from pipeline.config import reference
    from pipeline.config.json_schema import json_schema

    if update is not None:
        text = update.read_text(encoding="utf-8")
        if reference.MARK not in text:
            raise click.UsageError(f"{update} has no line {reference.MARK}")
        update.write_text(reference.updated(text), encoding="utf-8")
    elif markdown:
        click.echo(reference.tables(), nl=False)
    else:
        click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
