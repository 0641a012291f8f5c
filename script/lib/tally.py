"""tally.py FOLDER PART…: adds up what the parts of script/test ran, from FOLDER/PART.{log,xml,status}.

Prints a line a part and "N passed, N failed" (", N skipped") last; exits 1 unless every part passed. A part that failed
without a failed test to show for it (it did not build, it crashed) counts as one failed.
"""

import pathlib
import re
import sys
import xml.etree.ElementTree as tree

ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
# Closing lines of Vitest, Playwright, node:test and of scripts that print ours.
CLOSING = [
    re.compile(r"^\s*Tests\s+(?P<line>.*\d+ (?:passed|failed|skipped|todo).*)$"),
    re.compile(r"^\s*(?P<line>\d+ (?:passed|failed|skipped|flaky))(?: \([\d.]+m?s?\))?\s*$"),
    re.compile(r"^(?:# |ℹ )(?P<line>(?:pass|fail|skipped) \d+)\s*$"),
    re.compile(r"^(?:\w+: )?(?P<line>\d+ passed, \d+ failed(?:, \d+ skipped)?)\s*$"),
]


def ctest(file):
    passed = failed = skipped = 0
    for case in tree.parse(file).getroot().iter("testcase"):
        output = case.findtext("system-out") or ""
        ran = re.findall(r"^\[  PASSED  \] (\d+) tests?\.", output, re.MULTILINE)
        broken = re.findall(r"^\[  FAILED  \] (\d+) tests?, listed below", output, re.MULTILINE)
        status = case.get("status")
        if status == "run":
            passed += sum(map(int, ran)) or 1
        elif status == "fail":
            passed += sum(map(int, ran)) if broken else 0
            failed += sum(map(int, broken)) or 1
        else:
            skipped += 1
    return passed, failed, skipped


def runners(text):
    counts = {"pass": 0, "fail": 0, "skip": 0}
    for line in ESCAPES.sub("", text).splitlines():
        for form in CLOSING:
            match = form.match(line)
            if match:
                for number, word in re.findall(r"(\d+) (pass|fail|skip)", match["line"]):
                    counts[word] += int(number)
                for word, number in re.findall(r"^(pass|fail|skip)\w* (\d+)$", match["line"]):
                    counts[word] += int(number)
                break
    return counts["pass"], counts["fail"], counts["skip"]


def main(folder, parts):
    total = [0, 0, 0]
    for part in parts:
        status = int((folder / f"{part}.status").read_text())
        report = folder / f"{part}.xml"
        log = (folder / f"{part}.log").read_text(errors="replace")
        passed, failed, skipped = ctest(report) if report.exists() else runners(log)
        if status and not failed:
            failed = 1
        print(f"{part + ':':<13}{passed} passed, {failed} failed, {skipped} skipped")
        total = [a + b for a, b in zip(total, (passed, failed, skipped))]
    passed, failed, skipped = total
    print(f"\n{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]), sys.argv[2:]))
