#!/usr/bin/env python3
"""summary.py JSON…: what cold.py measured, side by side: provider requests, and first bytes over the provider's own."""

import json
import statistics
import sys

GOALS = {"cold1": (1, 20), "cold200": (1, 30), "cold1000": (1, 100), "late-joiners": (1, 5), "fifty": (50, 200)}


def tell_of_dying(engines, cells):
    """When the last client has it all, over the same crowd's time undisturbed and one more first byte of the provider."""
    if not cells:
        return
    print("\nthe provider breaks off at half: clients with every byte; all over by so many ms after the undisturbed time and one "
          "first byte; what it sent, in recordings (medians)")
    for scenario, by_engine in cells.items():
        line = f"{scenario:18s}"
        for engine in engines:
            rounds = by_engine.get(engine, [])
            over = [r["full_max"] - r["undisturbed_max"] - own for r, own in rounds if r["full_max"] and r["undisturbed_max"]]
            exact = "/".join(sorted({f"{r['bytes'].get('exact', 0)} of {r['clients']}" for r, _ in rounds}))
            sent = statistics.median(r["origin_bytes"] for r, _ in rounds) if rounds else 0
            late = f"{statistics.median(over):+.0f} ms" if over else "-"
            line += f"{f'{exact}, {late}, {sent:.2f}':>32s}"
        print(line + "   all, +100 ms, 1.00")


def main(files):
    engines, cells, dying, steal = [], {}, {}, []
    for name in files:
        with open(name) as file:
            result = json.load(file)
        if result["engine"] not in engines:
            engines.append(result["engine"])
        steal.append(result["steal_pct"])
        own = result["origin"]["ttfb_ms"]
        for row in result["rows"]:
            if row["scenario"].startswith("dying"):
                dying.setdefault(row["scenario"], {}).setdefault(result["engine"], []).append((row, own))
                continue
            # These come when the first byte has long been there.
            base = 0 if row["scenario"].startswith(("late", "ready")) or row["scenario"].endswith("-again") else own
            cells.setdefault(row["scenario"], {}).setdefault(result["engine"], []).append(
                (row["origin_requests"], row["ttfb_p50"], row["ttfb_p99"], base, row["bytes"] == {"exact": row["clients"]}))
    tell_of_dying(engines, dying)
    if not cells:
        print(f"steal {min(steal)} to {max(steal)} %")
        return
    print(f"\nfirst byte over the provider's own in ms, p50 / p99 (median of the rounds), and provider requests; steal "
          f"{min(steal)} to {max(steal)} %")
    print(f"{'':18s}" + "".join(f"{engine:>32s}" for engine in engines) + "   goal p99, requests")
    for scenario, by_engine in cells.items():
        line = f"{scenario:18s}"
        for engine in engines:
            rounds = by_engine.get(engine)
            if not rounds:
                line += f"{'-':>32s}"
                continue
            over = [statistics.median(r[i] - r[3] for r in rounds if r[i] is not None) if any(r[i] for r in rounds) else None
                    for i in (1, 2)]
            requests = "/".join(sorted({str(r[0]) for r in rounds}))
            wrong = "" if all(r[4] for r in rounds) else " (!)"
            told = " / ".join("-" if each is None else f"{each:.1f}" for each in over)
            line += f"{told + f'  n={requests}{wrong}':>32s}"
        goal = GOALS.get(scenario)
        print(line + (f"   {goal[1]}, {goal[0]}" if goal else ""))
    print("(!): somebody did not get every byte as it should be")


if __name__ == "__main__":
    main(sys.argv[1:])
