"""`xiaobei pull`, `ls`, `verify` and `rm` against hubs that misbehave, and dead hubs."""
import hashlib
import json
import os
import pathlib
import pty
import subprocess
import time

import pytest
from conftest import BINARY, free_port
from support.bad_hub import BadHub, DeadHost, MuteListener
from support.pull_home import LIMIT_SECONDS, MIB, Home, blob


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


def test_a_directory_whose_name_cannot_be_shown_is_not_listed(home):
    for name in (b"fine", b"a\xffb", b"a\x1bb", "模型".encode()):
        os.makedirs(os.fsencode(home.models) + b"/" + name)
    assert [m["id"] for m in json.loads(home.run("ls", "--json")[0])] == ["fine", "模型"]
    assert [line.split()[0] for line in home.run("ls")[0].split("\n") if line] == ["fine", "模型"]
    done = subprocess.run([BINARY, "ls", "--json", "--model-path", os.fsencode(home.models) + b"/a\xffb/.."], capture_output=True, timeout=60)
    assert [(m["id"], m["path"]) for m in json.loads(done.stdout)] == [("fine", None), ("模型", None)]


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
        home.environment["HF_ENDPOINT"], hub.prefix = hub.url + "/mirror", "/mirror"  # a mirror below a path
        hub.pages = [(json.dumps(entry[:1]).encode(), "/mirror" + address), (json.dumps(entry[1:]).encode(), None)]
        home.run("pull", "hf:Org/Repo")
        home.run("rm", "Org--Repo")
        home.hub(hf=hub)
        hub.prefix = ""
        for elsewhere in ("http://localhost:1/x", hub.url + ".evil/x", "//127.0.0.1/x"):
            hub.pages = [(json.dumps(entry).encode(), elsewhere)]
            assert "another host" in home.run("pull", "hf:Org/Repo", code=65)[1]


SMALL = [name for name in DIRECTORY if not name.endswith(".safetensors")]


def flipped(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def test_a_small_file_that_was_damaged_is_not_taken(home):
    with BadHub(files=DIRECTORY) as bad, BadHub(files=DIRECTORY) as good:
        bad.small = SMALL
        for name in ("config.json", "tokenizer.json"):
            bad.sent = {name: flipped(DIRECTORY[name])}
            _, err = home.hub(hf=bad).run("pull", "hf:Org/Repo", code=65)
            assert f"came as {name}" in err and f"Org--Repo/{name}" not in home.files()
            home.run("rm", "Org--Repo")
        row = home.registry({"id": "tiny", "repo": "Org/Repo"})
        home.hub(ms=good).run("pull", "tiny", row)
        assert json.loads(home.files()["tiny/manifest.json"])["source"] == "ms"
        assert home.files()["tiny/tokenizer.json"] == DIRECTORY["tokenizer.json"]


def test_what_git_calls_a_small_file_is_kept_and_verified(home):
    with BadHub(files=DIRECTORY) as hub:
        hub.small = SMALL
        listed = home.hub(hf=hub).run("pull", "hf:Org/Repo", "--dry-run")[0]
        assert f"config.json\t2\tgit:{hub.git_id_of('config.json')}" in listed
        assert "No checksum" not in home.run("pull", "hf:Org/Repo")[1]
        path = home.models / "Org--Repo" / "manifest.json"
        manifest = json.loads(path.read_text())
        assert {f["path"]: f["git"] for f in manifest["files"] if "git" in f} == {n: hub.git_id_of(n) for n in SMALL}
    home.run("verify", "Org--Repo")
    damaged = flipped(DIRECTORY["config.json"])
    (home.models / "Org--Repo" / "config.json").write_bytes(damaged)
    for f in manifest["files"]:
        if f["path"] == "config.json":
            f["sha256"] = hashlib.sha256(damaged).hexdigest()
    path.write_text(json.dumps(manifest))
    assert "config.json" in home.run("verify", "Org--Repo", code=65)[1]


def test_of_a_linked_model_only_the_link_is_removed(home):
    with BadHub(files=GGUF) as hub:
        home.hub(hf=hub).run("pull", "hf:Org/Repo")
    elsewhere = home.path / "elsewhere"
    (home.models / "Org--Repo").rename(elsewhere)
    (home.models / "linked").symlink_to(elsewhere)
    (home.models / "dangling").symlink_to(home.path / "nowhere")
    home.run("verify", "linked")
    for name in ("linked", "dangling"):
        home.run("rm", name)
        assert not os.path.lexists(home.models / name)
    assert sorted(p.name for p in elsewhere.iterdir()) == ["manifest.json", "model.gguf"]


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


def test_a_hub_that_crawls_is_left_for_the_next(home):
    """A byte now and then keeps a connection alive, and at that pace no model arrives."""
    with BadHub(files=GGUF) as slow, BadHub(files=GGUF) as good:
        slow.crawl, slow.step = 0.05, 1
        home.hub(hf=slow, ms=good)
        _, err = home.run("pull", "tiny", home.registry({"id": "tiny", "repo": "Org/Repo", "file": "model.gguf"}), "--timeout", "0.5")
        assert "Hugging Face: 127.0.0.1 does not answer in time" in err
        assert home.files()["tiny/model.gguf"] == GGUF["model.gguf"] and good.file_requests("model.gguf")


def test_a_slow_hub_is_waited_for(home):
    files = {"model.gguf": blob(40_000)}
    with BadHub(files=files) as hub:
        hub.crawl, hub.step = 0.05, 500  # ten times the least
        home.hub(hf=hub).run("pull", "hf:Org/Repo", "--timeout", "1")
        assert home.files()["Org--Repo/model.gguf"] == files["model.gguf"] and len(hub.file_requests("model.gguf")) == 1


def test_a_models_directory_that_cannot_be_made_ends_the_pull(home):
    """It is no hub's fault, and a stand-in would have no place either."""
    rows = home.registry({"id": "tiny", "repo": "Org/Repo", "file": "model.gguf", "standin": "tiny-standin"},
                         {"id": "tiny-standin", "file": "standin.gguf", "bytes": 4, "parts": 1, "package": "tiny-part", "version": "1.0",
                          "sha256": "ab" * 32})
    with BadHub(files=GGUF) as hub:
        home.hub(hf=hub).environment["XIAOBEI_HOME"] = "/proc/x"
        _, err = home.run("pull", "tiny", rows, code=73)
        assert "models directory" in err and "--model-path" in err and "stand-in" not in err and not hub.requests


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


@pytest.mark.parametrize("models", [
    [], ["--dry-run", "--model-path", "xiaobei-test-missing"], ["--dry-run", "--model-path", "xiaobei-test-missing/x"]])
def test_a_disk_that_cannot_take_it_is_not_begun(home, models):
    with BadHub(files=GGUF) as hub:
        hub.sizes["model.gguf"] = 1 << 40
        _, err = home.hub(hf=hub).run("pull", "hf:Org/Repo", *models, code=73)
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


@pytest.mark.parametrize("timeout", [[], ["--timeout", "1"]])
@pytest.mark.parametrize("dead", ["silent", "closed"])
def test_a_dead_download_host_is_asked_once(home, dead, timeout):
    with DeadHost() as silent, BadHub(files={"model.gguf": blob(1000)}) as hub, BadHub(files={"model.gguf": blob(1000)}) as good:
        hub.redirect = f"http://127.0.0.1:{silent.port if dead == 'silent' else free_port()}"
        row = home.registry({"id": "tiny", "repo": "Org/Repo", "file": "model.gguf"})
        _, err = home.hub(hf=hub, ms=good).run("pull", "tiny", row, *timeout)
        assert "Hugging Face" in err and home.files()["tiny/model.gguf"] == blob(1000)
        assert len(hub.file_requests()) == 1


def test_a_download_host_that_was_there_may_come_back(home):
    with BadHub(files=GGUF) as hub, BadHub(files=GGUF) as network:
        hub.redirect = network.url
        network.drop_after = 100_000
        home.hub(hf=hub)
        process = home.start("pull", "hf:Org/Repo", "--timeout", "1")
        while network.served < MIB and process.poll() is None:
            time.sleep(0.005)
        hub.redirect = f"http://127.0.0.1:{free_port()}"
        seen = len(hub.file_requests())
        while len(hub.file_requests()) < seen + 6 and process.poll() is None:
            time.sleep(0.005)
        hub.redirect, network.drop_after = network.url, None
        process.communicate(timeout=LIMIT_SECONDS)
        assert process.returncode == 0 and home.files()["Org--Repo/model.gguf"] == GGUF["model.gguf"]


def test_an_endpoint_must_be_http(home):
    home.hub(hf="file:///tmp").run("pull", "hf:Org/Repo", code=78)


# --- what the program says ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("arguments,code", [
    (["pull", "no-such-model"], 66), (["pull", "hf:only"], 64), (["pull", "hf:../x"], 64), (["pull", "hf:a/b:../c"], 64),
    (["pull", "a", "b"], 64), (["pull", "--connections", "99"], 64), (["pull", "--connections", "0"], 64),
    (["pull", "--connections", "-1"], 64), (["pull", "--timeout", "0"], 64), (["rm"], 64), (["verify", "absent"], 66),
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
