"""tidy.py [--shipped] JOBS [FILE…]: clang-tidy over the project's sources (or FILEs), with the compile commands of
build/lint, each source by itself.

With --shipped it takes minutes, and leaves out two things: the tests, which two compilers look at anyway, and clang-analyzer's
walk along the paths, half of the time. Of the rest nearly all goes into other people's headers, so the sources of a folder
are looked at as one, where their names allow it: the checks and what they find are the same.

What is clean is remembered by a digest of everything of the project that it includes, of its command and of .clang-tidy, so
a second run looks only at what has changed. What clang-analyzer finds inside other people's headers is left out: it does
not follow coroutines through Asio's frames. Tests are looked at with fewer checks.
"""

import collections
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
UNITS = LINT / "units"
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
# The last: a unit's own lines, which include sources.
SHIPPED = ["--checks=-clang-analyzer-*,-bugprone-suspicious-include", "--header-filter=/(src|bench)/.*\\.[ch]pp$"]
FINDING = re.compile(r"^(/[^:]+):\d+:\d+: (?:warning|error): ")
ERROR = re.compile(r"^(/[^:]+):\d+:\d+: (?:fatal )?error: ", re.MULTILINE)


def is_test(file):
    return file.name.endswith("_test.cpp") or "test" in file.parts


def commands(only, shipped):
    for entry in json.loads((LINT / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["file"])
        if file.is_relative_to(LINT) or (only and file not in only) or (shipped and is_test(file)):
            continue
        yield file, entry


def compiler(entry):
    """The command up to the names of the files."""
    command = shlex.split(entry["command"])
    command = command[next(i for i, word in enumerate(command) if "clang" in word) :]
    return command[: command.index("-o")]


def compiled(entry, *options):
    return subprocess.run([*compiler(entry), *options, entry["file"]], cwd=entry["directory"], capture_output=True, text=True)


def unit(name, files, entry):
    """Compiles the files as one."""
    file = UNITS / f"{name}.cpp"
    file.write_text("".join(f'#include "{each}"\n' for each in files))
    command = shlex.join([*compiler(entry), "-o", f"{name}.o", "-c", str(file)])
    return file, {"directory": entry["directory"], "file": str(file), "command": command}


def units(pairs):
    """The sources, those of a folder as one: but those whose names clash with others' go into a unit of their own."""
    UNITS.mkdir(exist_ok=True)
    folders = collections.defaultdict(list)
    for file, entry in pairs:
        folders[file.parent, *compiler(entry)].append((file, entry))
    for (folder, *_), sources in folders.items():
        part = 0
        while sources:
            files = [file for file, _ in sources]
            file, entry = unit(f"{folder.relative_to(ROOT)}-{part}".replace("/", "-"), files, sources[0][1])
            named = set(ERROR.findall(compiled(entry, "-fsyntax-only", "-w", "-ferror-limit=0").stderr))
            clashing = [pair for pair in sources if str(pair[0]) in named]
            if named and len(clashing) in (0, len(sources)):
                yield from sources
                break
            if clashing:
                file, entry = unit(file.stem, [each for each in files if str(each) not in named], sources[0][1])
            yield file, entry
            sources, part = clashing, part + 1


def includes(entry):
    """The project's own files that the source is made of."""
    words = compiled(entry, "-MM").stdout.replace("\\\n", " ").split()[1:]
    return [pathlib.Path(word) for word in words if word.startswith(str(ROOT))] or [pathlib.Path(entry["file"])]


def digest(entry, options):
    sum = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    sum.update((entry["command"] + " ".join(options)).encode())
    for file in includes(entry):
        sum.update(file.read_bytes())
    return sum.hexdigest()


def look_at(file, entry, shipped):
    """What clang-tidy finds, "" for nothing."""
    options = SHIPPED if shipped else [f"--checks=-*,{','.join(FOR_TESTS)}"] if is_test(file) else []
    clean = CACHE / digest(entry, options)
    if clean.exists():
        return ""
    ran = subprocess.run(
        [TIDY, "--quiet", f"--config-file={ROOT / '.clang-tidy'}", *options, str(file), "--", *compiler(entry)[1:]],
        cwd=entry["directory"], capture_output=True, text=True)
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
        pairs = list(commands(only, shipped))
        work = [pool.submit(look_at, *pair, shipped) for pair in (units(pairs) if shipped else pairs)]
        for done in concurrent.futures.as_completed(work):
            if done.result():
                failed += 1
                print(done.result().replace(f"{ROOT}/", ""), flush=True)
    print(f"clang-tidy: {len(pairs)} files in {len(work)} runs, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
