"""make install: what is put in place must name the places where it was put."""
import os
import subprocess

from conftest import BUILD, ROOT


def test_the_unit_names_the_installed_program(tmp_path):
    command = ["make", "-s", "install", f"BUILD={os.path.relpath(BUILD, ROOT)}", f"DESTDIR={tmp_path}", "PREFIX=/opt/xb"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    unit = (tmp_path / "opt/xb/lib/systemd/system/xiaobei.service").read_text()
    program = next(line for line in unit.split("\n") if line.startswith("ExecStart=")).removeprefix("ExecStart=").split()[0]
    assert program == "/opt/xb/bin/xiaobei" and os.access(tmp_path / program[1:], os.X_OK)
    manual = next(line for line in unit.split("\n") if line.startswith("Documentation=file://")).removeprefix("Documentation=file://")
    assert (tmp_path / manual[1:]).is_file() and "/usr/local" not in unit.split("[Unit]")[1]
