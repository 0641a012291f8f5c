"""named_tests.py: every test that docs/guarantees.md names is there."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`([A-Z]\w+\.[A-Z]\w+)`")
TEST = re.compile(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", re.MULTILINE)


def main():
    tests = set()
    for folder in ("src", "test"):
        for file in (ROOT / folder).rglob("*_test.cpp"):
            tests |= {".".join(name) for name in TEST.findall(file.read_text())}
    named = set(NAMED.findall((ROOT / "docs" / "guarantees.md").read_text()))
    missing = sorted(named - tests)
    for name in missing:
        print(f"docs/guarantees.md: there is no test {name}")
    return 1 if missing or not named else 0


if __name__ == "__main__":
    sys.exit(main())
