#!/usr/bin/env python3
"""Run every test and count: C unit tests (cmocka), fuzz corpora, pytest. The last line is what CI reads.

Usage: run_tests.py --build DIR [--only c|python]
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

SECONDS_PER_PROGRAM = 1200


class Totals:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, name, passed, failed, skipped):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        if failed:
            self.failures.append(name)


def run_program(command):
    """Exit code and output of one program; a program that hangs is ended and counts as failed."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS_PER_PROGRAM)
        return done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as late:
        return 124, (late.stdout or b"").decode(errors="replace") + f"\nno end after {SECONDS_PER_PROGRAM} s\n"


def cmocka_count(output, word):
    found = re.findall(r"^\[ *" + word + r" *\] (\d+) test\(s\)", output, re.M)
    return sum(map(int, found))


def run_unit_tests(build, totals):
    for program in sorted((build / "tests").glob("test_*")):
        if program.suffix or not os.access(program, os.X_OK):
            continue
        code, output = run_program([str(program)])
        passed, failed, skipped = (cmocka_count(output, word) for word in ("PASSED", "FAILED", "SKIPPED"))
        if code != 0 and failed == 0:
            failed = 1  # it crashed before it could count, or a sanitizer spoke
        if passed + failed + skipped == 0:
            failed = 1
        totals.add(program.name, passed, failed, skipped)
        print(f"{program.name}: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
        if failed:
            print(output, flush=True)
        elif skipped:
            for line in re.findall(r"^(?:skip|SKIP)[: ].*$", output, re.M):
                print("  " + line, flush=True)


def run_corpora(build, totals):
    for program in sorted((build / "tests").glob("fuzz_*")):
        if program.suffix:
            continue
        corpus = pathlib.Path("tests/fuzz/corpus") / program.name.removeprefix("fuzz_")
        if not corpus.is_dir() or not any(corpus.iterdir()):
            print(f"{program.name}: its corpus {corpus} is missing")
            totals.add(program.name, 0, 1, 0)
            continue
        code, output = run_program([str(program), str(corpus)])
        totals.add(program.name, int(code == 0), int(code != 0), 0)
        print(f"{program.name}: corpus {'passed' if code == 0 else 'failed'}", flush=True)
        if code:
            print(output, flush=True)


def run_pytest(build, totals):
    report = build / "pytest.xml"
    report.unlink(missing_ok=True)
    python = build / "venv/bin/python"
    environment = dict(os.environ, XIAOBEI_BUILD=str(build.resolve()))
    subprocess.run([str(python), "-m", "pytest", "-q", "-rs", "--durations=10", f"--junitxml={report}", "tests"],
                   env=environment, stdin=subprocess.DEVNULL)
    if not report.exists():
        totals.add("pytest", 0, 1, 0)
        return
    suite = ElementTree.parse(report).getroot().find("testsuite")
    tests, failures, errors, skipped = (int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped"))
    totals.add("pytest", tests - failures - errors - skipped, failures + errors, skipped)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--only", choices=["c", "python"])
    arguments = parser.parse_args()
    totals = Totals()
    if arguments.only != "python":
        run_unit_tests(arguments.build, totals)
        run_corpora(arguments.build, totals)
    if arguments.only != "c":
        run_pytest(arguments.build, totals)
    for name in totals.failures:
        print(f"failed: {name}")
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    sys.exit(main())
