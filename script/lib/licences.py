"""licences.py: every npm package of web/package-lock.json has a licence that we may ship, or build with.

What reaches a user (dependencies) is permissive. What only builds and tests (devDependencies) may also be weak copyleft.
"""

import json
import pathlib
import re
import sys

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"
SHIPPED = {"MIT", "MIT-0", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD", "Unlicense", "CC0-1.0", "BlueOak-1.0.0", "Zlib"}
BUILD = SHIPPED | {"MPL-2.0", "CC-BY-4.0", "Python-2.0"}


def permitted(expression, allowed):
    """SPDX, without exceptions: OR asks for one side, AND for both."""
    expression = expression.strip()
    if expression.startswith("(") and expression.endswith(")"):
        expression = expression[1:-1]
    if re.search(r"\bOR\b", expression):
        return any(permitted(side, allowed) for side in re.split(r"\bOR\b", expression))
    return all(side.strip("() ") in allowed for side in re.split(r"\bAND\b", expression))


def licence(path, package):
    if "license" in package:
        return package["license"]
    manifest = WEB / path / "package.json"
    if not manifest.exists():
        return None
    said = json.loads(manifest.read_text(encoding="utf-8")).get("license")
    return said.get("type") if isinstance(said, dict) else said


def main():
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    wrong = count = 0
    for path, package in lock["packages"].items():
        if "node_modules/" not in path or package.get("link"):
            continue
        count += 1
        said = licence(path, package)
        build_only = package.get("dev") or package.get("devOptional")
        if not said or not permitted(said, BUILD if build_only else SHIPPED):
            print(f"{path}: {said or 'no licence'} ({'build' if build_only else 'shipped'})")
            wrong += 1
    print(f"licences: {count} npm packages, {wrong} not permitted")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
