#!/usr/bin/env python3
"""make lint: what the compiler does not see - layering, sizes, unsafe calls, leftovers, style, shell scripts."""
import pathlib
import re
import shutil
import subprocess
import sys

# Each room may include these rooms besides itself. Edges go one way; see docs/architecture.md.
ROOMS = {
    "base": [],
    "kernels": ["base"],
    "cuda": ["base", "kernels"],
    "model": ["base", "kernels"],
    "engine": ["base", "kernels", "cuda", "model"],
    "medical": ["base"],
    "store": ["base"],
    "knowledge": ["base", "store"],
    "records": ["base", "store", "knowledge"],
    "hub": ["base", "model"],
    "server": ["base", "kernels", "model", "engine", "medical", "store", "knowledge", "records"],
    "cli": ["base", "kernels", "cuda", "model", "engine", "medical", "store", "knowledge", "records", "hub", "server"],
}
MAX_FILE, MAX_HEADER, MAX_FUNCTION, MAX_COLUMNS = 600, 120, 60, 120
TEMPLATES = re.compile(r"src/kernels/(\w+_impl|v16_\w+)\.h$")  # sources that are compiled once per instruction set
LONG_FUNCTIONS_ALLOWED = ("src/kernels/",)  # an unrolled kernel reads better whole
UNSAFE = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtok|alloca|system|popen|mktemp)\s*\(")
LEFTOVER = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK|not impl" r"emented|place" r"holder)\b", re.I)
EXIT = re.compile(r"\b(exit|_exit|abort|quick_exit)\s*\(")

problems = []


def say(path, line, text):
    problems.append(f"{path}:{line}: {text}")


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], capture_output=True,
                            text=True, check=True)
    return [pathlib.Path(name) for name in listed.stdout.split("\n") if name and pathlib.Path(name).exists()]


def code_only(line):
    """A line without string contents and trailing comments: good enough to look for calls."""
    line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
    return re.sub(r"/\*.*?(\*/|$)|//.*", "", line)


def check_includes(path, lines):
    room = path.parts[1]
    if room not in ROOMS:
        say(path, 1, f"src/{room} is not in the house (tools/lint.py lists the rooms)")
        return
    for number, line in enumerate(lines, 1):
        found = re.match(r'\s*#\s*include "([a-z]+)/', line)
        if found and found[1] in ROOMS and found[1] != room and found[1] not in ROOMS[room]:
            say(path, number, f"{room} must not include {found[1]}: edges go one way")


def check_functions(path, lines):
    if any(str(path).startswith(prefix) for prefix in LONG_FUNCTIONS_ALLOWED):
        return
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            if number - start > MAX_FUNCTION:
                say(path, start, f"function of {number - start} lines ({MAX_FUNCTION} is the most)")
            start = None


def check_source(path):
    text = path.read_text()
    lines = text.split("\n")
    header = path.suffix == ".h" and path.parts[0] == "src" and not TEMPLATES.search(str(path))
    limit = MAX_HEADER if header else MAX_FILE
    if len(lines) - 1 > limit:
        say(path, 1, f"{len(lines) - 1} lines ({limit} is the most)")
    if not text.endswith("\n"):
        say(path, len(lines), "no newline at the end")
    in_comment = False
    for number, line in enumerate(lines, 1):
        if LEFTOVER.search(line):
            say(path, number, "left over: " + line.strip())
        code = "" if in_comment else code_only(line)
        in_comment = (in_comment or "/*" in line) and line.rfind("*/") <= line.rfind("/*") and "*/" not in line[line.rfind("/*"):]
        if path.parts[0] == "src":
            if UNSAFE.search(code):
                say(path, number, "unsafe call: " + line.strip())
            if path.parts[1] != "cli" and EXIT.search(code):
                say(path, number, "only cli/ may end the process: " + line.strip())
    if path.parts[0] == "src":
        check_includes(path, lines)
        check_functions(path, lines)
        if path.suffix == ".c" and path.with_suffix(".h").exists():
            first = next((line for line in lines if line.startswith("#include")), "")
            if f'"{path.parts[1]}/{path.stem}.h"' not in first:
                say(path, 1, "a file includes its own header first")
        if header and not re.search(rf"#ifndef XIAOBEI_{path.parts[1]}_{path.stem}_H".upper(), text.upper()):
            say(path, 1, "include guard is XIAOBEI_ROOM_FILE_H")


def run_tool(name, arguments, files):
    if not shutil.which(name):
        problems.append(f"{name} is missing: tools/install-deps.sh packages-dev installs it")
        return
    if not files:
        return
    done = subprocess.run([name, *arguments, *map(str, files)], capture_output=True, text=True)
    if done.returncode:
        problems.append(f"{name}:\n{(done.stdout + done.stderr).strip()[:4000]}")


def main():
    sources = tracked("src/*.c", "src/*.h", "tests/*.c", "tests/*.h", "bench/*.c")
    for path in sources:
        check_source(path)
    for path in tracked("web/*.js", "web/*.css", "web/*.html", "tests/*.py", "tools/*.py"):
        lines = path.read_text().split("\n")
        if len(lines) - 1 > MAX_FILE:
            say(path, 1, f"{len(lines) - 1} lines ({MAX_FILE} is the most)")
        if path.name != "lint.py":
            for number, line in enumerate(lines, 1):
                if LEFTOVER.search(line) and "place" not in line.lower():  # HTML has an attribute of that name
                    say(path, number, "left over: " + line.strip())
    run_tool("clang-format", ["--dry-run", "-Werror"], sources)
    run_tool("shellcheck", [], tracked("*.sh", ".ci/run"))
    print("\n".join(problems) or f"lint: {len(sources)} C files, nothing to say")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
