"""What each choice of the agent does to a search: python tests/bench/ablations [--seeds N] [--only WORD] ...

Makes the rows of docs/ablations that are missing, then the table in its page. A row that is there is not made again, so
the command resumes; a row is one search, and arms that several ablations share are searched once.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.extend([str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1] / "peers")])

from catalogue import ABLATIONS
from points import LANDSCAPES as POINTS
from search import append, rows_of, with_table
from searches import row_of
from tables import table

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "ablations"


def main() -> None:
    """Make what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=15, help="of programs; searches of points have twice as many")
    parser.add_argument("--only", default="", help="ablations whose name holds this word")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    ablations = [each for each in ABLATIONS if chosen.only in each.name]
    paths = {name: chosen.folder / f"{name}.jsonl" for name in ("points", "programs")}
    rows = {name: rows_of(path) for name, path in paths.items()}
    done = {(row["arm"], row["world"], row["seed"]) for made in rows.values() for row in made}
    for ablation in ablations:
        for arm in (ablation.on, ablation.off):
            for world in ablation.worlds:
                tier, times = ("points", 2) if world in POINTS else ("programs", 1)
                for seed in range(1, times * chosen.seeds + 1):
                    if (arm.key, world, seed) not in done:
                        row = row_of(arm, world, seed)
                        append(paths[tier], row)
                        rows[tier].append(row)
                        done.add((arm.key, world, seed))
        print(f"{ablation.name}: searched", file=sys.stderr, flush=True)
    every = [row for made in rows.values() for row in made]
    print(table(ablations, every))
    arms = {arm.key: json.loads(arm.told) for each in ABLATIONS for arm in (each.on, each.off)}
    (chosen.folder / "arms.json").write_text(json.dumps(arms, indent=1) + "\n", "utf-8")
    page = chosen.folder / "README.md"
    if page.is_file():
        page.write_text(with_table(page.read_text("utf-8"), table(ABLATIONS, every)), "utf-8")


if __name__ == "__main__":
    main()
