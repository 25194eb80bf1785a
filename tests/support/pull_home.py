"""What the tests of downloads share: a home in which nothing real can be reached, and how to read a journal."""
import json
import os
import pathlib
import random
import subprocess

from conftest import BINARY, free_port

MIB = 1 << 20
LIMIT_SECONDS = 120


def blob(size, seed=1):
    return random.Random(seed).randbytes(size)


class Home:
    """A models directory and an environment in which nothing real can be reached."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.models = self.path / "home" / "models"
        self.environment = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and not k.startswith(("HF_", "PIP_"))}
        dead = f"http://127.0.0.1:{free_port()}"
        self.environment.update(XIAOBEI_HOME=str(self.path / "home"), HF_ENDPOINT=dead, MODELSCOPE_ENDPOINT=dead,
                                PIP_NO_INDEX="1", PIP_CONFIG_FILE="/dev/null")

    def hub(self, hf=None, ms=None):
        if hf:
            self.environment["HF_ENDPOINT"] = hf if isinstance(hf, str) else hf.url
        if ms:
            self.environment["MODELSCOPE_ENDPOINT"] = ms if isinstance(ms, str) else ms.url
        return self

    def start(self, *arguments):
        return subprocess.Popen([str(BINARY), *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments, code=0):
        done = subprocess.run([str(BINARY), *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=LIMIT_SECONDS)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert done.returncode == code, f"exit {done.returncode}, wanted {code}\n{out}\n{err}"
        return out, err

    def registry(self, *rows):
        path = self.path / "registry.json"
        path.write_text(json.dumps(rows))
        return f"--registry={path}"

    def files(self):
        """Every file under the models directory but locks: path -> bytes."""
        return {str(p.relative_to(self.models)): p.read_bytes() for p in self.models.rglob("*")
                if p.is_file() and ".locks" not in p.parts}

    def only_safe(self):
        """What lies outside the models directory must be what the test put there."""
        return sorted(str(p.relative_to(self.path)) for p in self.path.rglob("*") if self.models not in p.parents)


def journalled(path):
    """The ranges an unfinished download's journal promises."""
    lines = path.read_text().split("\n")[1:-1] if path.exists() else []
    return [tuple(map(int, line.split()[-2:])) for line in lines]
