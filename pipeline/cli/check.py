"""colloquy check: is this config right, and what does it come to?"""

import json
from pathlib import Path

import click
import yaml

from core.display import visible


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--arm", metavar="NAME", help="Show CONFIG as this arm of its experiment has it: a key under its `arms`.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of YAML.")
def check(config: Path, arm: str | None, as_json: bool) -> None:
    """Check CONFIG and print what it comes to: the exam's plan, and every setting, secrets hidden.

    Exits with 2 when something is wrong, after one sentence for each problem.

    Example: colloquy check configs/flush-experiment.yaml --arm valley
    """
    from pipeline.config.loading import load

    checked = load(config)
    if arm is not None:
        try:
            checked = checked.for_arm(arm)
        except KeyError as error:
            raise click.UsageError(f"{config}: {error.args[0]}") from error
    resolved = checked.resolved()
    if as_json:
        click.echo(visible(json.dumps(resolved, indent=2, ensure_ascii=False)))
        return
    click.echo(visible(f"# {config} is right: {' > '.join(plan.name for plan in checked.stages)}"))
    click.echo(visible("".join(f"# {text}\n" for text in checked.info.outline)), nl=False)
    click.echo(visible(yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True, width=120)), nl=False)
