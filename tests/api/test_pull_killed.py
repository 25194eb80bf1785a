"""`xiaobei pull` killed at any moment, files that change meanwhile, two pulls at once: no byte is mixed, none fetched twice."""
import json
import random
import signal
import time

import pytest
from support.bad_hub import BadHub
from support.pull_home import LIMIT_SECONDS, MIB, Home, blob, journalled


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


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


def kill_when(hub, process, served):
    while hub.served < served and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_finished_small_file_is_not_fetched_again(home):
    files = {"config.json": b"{}", "tokenizer.json": b"{}" * 50, "model.safetensors": blob(4 * MIB)}
    with BadHub(files=files) as hub:
        hub.small = ("config.json", "tokenizer.json")
        hub.delay = 0.02
        home.hub(hf=hub)
        for _ in range(3):
            kill_when(hub, home.start("pull", "hf:Org/Repo"), hub.served + MIB // 2)
        hub.delay = 0
        home.run("pull", "hf:Org/Repo")
        assert [len(hub.file_requests(name)) for name in hub.small] == [1, 1]
        assert {n: home.files()[f"Org--Repo/{n}"] for n in files} == files


@pytest.mark.parametrize("listing", [404, 200])
@pytest.mark.parametrize("validator", ["ETag", "Last-Modified", None])
def test_two_files_of_one_name_and_size_are_never_mixed(home, validator, listing):
    first, second = blob(8 * MIB, 8), blob(8 * MIB, 9)
    with BadHub(files={"model.gguf": first}) as hub:
        hub.listing_status, hub.no_checksums = listing, True
        hub.validator, hub.delay = validator, 0.02
        home.hub(hf=hub)
        journal = home.models / "Org--Repo" / "model.gguf.part.journal"
        process = home.start("pull", "hf:Org/Repo:model.gguf")
        while not journalled(journal) and process.poll() is None:
            time.sleep(0.005)
        kill_when(hub, process, 0)
        assert journalled(journal)
        hub.files["model.gguf"], hub.delay = second, 0
        assert "No checksum" in home.run("pull", "hf:Org/Repo:model.gguf")[1]
        assert home.files()["Org--Repo/model.gguf"] == second
        assert sorted(home.files()) == ["Org--Repo/manifest.json", "Org--Repo/model.gguf"]


def test_a_file_that_changes_while_it_is_fetched_is_not_mixed(home):
    first, second = blob(8 * MIB, 8), blob(8 * MIB, 9)
    with BadHub(files={"model.gguf": first}) as hub:
        hub.listing_status, hub.validator = 404, "ETag"
        hub.drop_after = 300_000
        process = home.hub(hf=hub).start("pull", "hf:Org/Repo:model.gguf")
        while hub.served < MIB and process.poll() is None:
            time.sleep(0.005)
        hub.files["model.gguf"] = second
        _, err = process.communicate(timeout=LIMIT_SECONDS)
        assert process.returncode == 65 and b"changed on the server" in err
        hub.drop_after = None
        home.run("pull", "hf:Org/Repo:model.gguf")
        assert home.files()["Org--Repo/model.gguf"] == second


def test_what_a_mirror_names_by_etag_is_not_fetched_twice(home):
    files = {f"q4-0000{i}-of-00002.gguf": blob(4 * MIB, i) for i in (1, 2)}
    with BadHub(files=files) as hub:
        hub.listing_status, hub.validator, hub.delay = 404, "ETag", 0.02
        home.hub(hf=hub)
        process = home.start("pull", "hf:Org/Repo:q4-00001-of-00002.gguf")
        journal = home.models / "Org--Repo" / "q4-00002-of-00002.gguf.part.journal"
        while not journalled(journal) and process.poll() is None:
            time.sleep(0.005)
        kill_when(hub, process, 0)
        promised = sum(last - first for first, last in journalled(journal))
        assert promised
        (model,) = json.loads(home.run("ls", "--json")[0])
        assert model["bytes"] == 4 * MIB + promised, "what is finished counts once"
        hub.delay = 0
        hub.requests.clear()
        home.run("pull", "hf:Org/Repo:q4-00001-of-00002.gguf")
        assert [r[3] for r in hub.file_requests("q4-00001-of-00002.gguf")] == ["bytes=0-0"], "only asked which version it is"
        asked = [map(int, r[3][6:].split("-")) for r in hub.file_requests("q4-00002-of-00002.gguf")[1:]]
        assert sum(last - first + 1 for first, last in asked) == 4 * MIB - promised
        assert sorted(home.files()) == ["Org--Repo/manifest.json", *(f"Org--Repo/{name}" for name in files)]


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
