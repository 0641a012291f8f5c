"""tidy.py [--shipped] JOBS [FILE…]: clang-tidy over the project's sources (or FILEs), with the compile commands of
build/lint. With --shipped the tests are left out: two compilers look at them anyway.

A clean file is remembered by a digest of everything of the project that it includes, of its command and of .clang-tidy, so
a second run looks only at what has changed. What clang-analyzer finds inside other people's headers is left out: it does
not follow coroutines through Asio's frames. Tests are looked at with fewer checks.
"""

import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LINT = ROOT / "build" / "lint"
CACHE = LINT / "clean"
TIDY = "clang-tidy-19"
# Tests are read and run by their authors: for them only what would make one lie.
FOR_TESTS = [
    "bugprone-use-after-move",
    "bugprone-dangling-handle",
    "bugprone-infinite-loop",
    "bugprone-suspicious-*",
    "cppcoreguidelines-avoid-capturing-lambda-coroutines",
    "cppcoreguidelines-no-suspend-with-lock",
    "misc-coroutine-hostile-raii",
    "misc-redundant-expression",
]
FINDING = re.compile(r"^(/[^:]+):\d+:\d+: (?:warning|error): ")


def is_test(file):
    return file.name.endswith("_test.cpp") or "test" in file.parts


def commands(only, shipped):
    for entry in json.loads((LINT / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["file"])
        if file.is_relative_to(LINT) or (only and file not in only) or (shipped and is_test(file)):
            continue
        yield file, entry


def includes(entry):
    """The project's own files that the source is made of, itself first."""
    command = shlex.split(entry["command"])
    command = command[next(i for i, word in enumerate(command) if "clang" in word) :]
    command = command[: command.index("-o")]
    made = subprocess.run([*command, "-MM", entry["file"]], cwd=entry["directory"], capture_output=True, text=True)
    words = made.stdout.replace("\\\n", " ").split()[1:]
    return [pathlib.Path(word) for word in words if word.startswith(str(ROOT))] or [pathlib.Path(entry["file"])]


def digest(entry, options):
    sum = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    sum.update((entry["command"] + " ".join(options)).encode())
    for file in includes(entry):
        sum.update(file.read_bytes())
    return sum.hexdigest()


def look_at(file, entry):
    """What clang-tidy finds, "" for nothing."""
    options = [f"--checks=-*,{','.join(FOR_TESTS)}"] if is_test(file) else []
    clean = CACHE / digest(entry, options)
    if clean.exists():
        return ""
    ran = subprocess.run([TIDY, "-p", str(LINT), "--quiet", *options, str(file)], capture_output=True, text=True)
    found, ours = [], False
    for line in ran.stdout.splitlines():
        match = FINDING.match(line)
        if match:
            ours = match[1].startswith(str(ROOT))
        if ours:
            found.append(line)
    if not found:
        if ran.returncode and not ran.stdout.strip():
            return f"{file}: {TIDY} failed\n{ran.stderr}"
        clean.touch()
    return "\n".join(found)


def main(arguments):
    shipped = "--shipped" in arguments
    jobs, *files = [each for each in arguments if each != "--shipped"]
    only = {pathlib.Path(name).resolve() for name in files}
    CACHE.mkdir(parents=True, exist_ok=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        work = {pool.submit(look_at, *pair): pair[0] for pair in commands(only, shipped)}
        for done in concurrent.futures.as_completed(work):
            if done.result():
                failed += 1
                print(done.result().replace(f"{ROOT}/", ""), flush=True)
    print(f"clang-tidy: {len(work)} files, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
