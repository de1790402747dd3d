"""`python -m infra.cost`: the monthly cost of an idle deployment, for development and for production.

It synthesizes the templates, or reads those of a folder that `make synth` has written (`--templates cdk.out`).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra import build
from infra.cost.idle import list_costs, sum_costs
from infra.cost.prices import PRICES, TARGETS


def main() -> None:
    """Print what each tier costs while nobody uses it. A missed target fails."""
    parser = argparse.ArgumentParser(prog="python -m infra.cost", description=__doc__)
    parser.add_argument("--templates", type=Path, help="a folder of templates; without it both tiers are synthesized")
    given = parser.parse_args()
    if given.templates:
        _print("the deployment", given.templates)
        return
    # The CDK starts Node when it is imported.
    from infra import app

    missed = []
    with tempfile.TemporaryDirectory() as folder:
        assets = build.build_assets(Path(folder, "build"))
        for tier, target in TARGETS.items():
            out = Path(folder, tier)
            app.synthesize(out, {"stage": tier[:4], "tier": tier, "sender_domain": "example.com"}, assets)
            if _print(tier, out) > target:
                missed.append(f"{tier}: the target is ${target}")
    if missed:
        raise SystemExit("; ".join(missed))


def _print(name: str, folder: Path) -> float:
    lines = list_costs(_read(folder))
    print(f"\n{name}, in a month, idle, us-east-1\n")
    for line in lines:
        print(f"  {line.what:16} {line.count:14,.0f} x ${PRICES[line.what].dollars:<12.10g} ${line.dollars:8.2f}")
    total = sum_costs(lines)
    print(f"  {'together':16} {'':32} ${total:8.2f}")
    return total


def _read(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.template.json")):
        yield json.loads(path.read_text())


if __name__ == "__main__":
    main()
