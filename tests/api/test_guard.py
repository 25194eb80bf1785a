"""xiaobei guard and xiaobei eval guard, as others use them: JSON lines in and out, figures, an operator's names."""
import json
import os
import pathlib
import subprocess

XIAOBEI = pathlib.Path(os.environ.get("XIAOBEI_BUILD", "build")) / "xiaobei"


def guard(texts, *options):
    lines = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
    done = subprocess.run([XIAOBEI, "guard", *options], input=lines, capture_output=True, text=True, timeout=60)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def test_answers_one_line_each():
    texts = ["多喝水，好好休息。", "先休息。萘普生一次一片，一天两次。", "Take naproxen 250 mg twice daily."]
    done, answers = guard(texts)
    assert done.returncode == 0
    assert [a["action"] for a in answers] == ["pass", "rewrite", "block"]
    assert answers[0] == {"action": "pass", "spans": [], "reason": None, "text": texts[0]}
    assert answers[1]["reason"] == "dose" and "一片" not in answers[1]["text"] and answers[1]["text"].startswith("先休息。")
    span = answers[1]["spans"][0]
    assert texts[1].encode()[span["start"]:span["end"]].decode() == "萘普生一次一片，一天两次"


def test_operators_add_names(tmp_path):
    drugs = tmp_path / "drugs.tsv"
    drugs.write_text("院内三号\tzh\tpatent\n")
    assert guard(["院内三号 2"])[1][0]["action"] == "pass"
    assert guard(["院内三号 2"], "--drugs", str(drugs))[1][0]["action"] == "block"
    drugs.write_text("院内三号\tzh\tpatent\n院内四号\n")
    done, _ = guard(["x"], "--drugs", str(drugs))
    assert done.returncode == 65 and "line 2" in done.stderr and "three columns" in done.stderr


def test_eval_prints_figures_only(tmp_path):
    cases = tmp_path / "cases.jsonl"
    rows = [{"id": "a", "lang": "zh", "text": "萘普生一次一片。", "expect": "block", "reason": "dose"},
            {"id": "b", "lang": "zh", "text": "神秘的情形。", "expect": "block", "reason": "dose"},
            {"id": "c", "lang": "zh", "text": "每天散步三次。", "expect": "allow", "reason": "exercise"}]
    cases.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    report = tmp_path / "report.json"
    done = subprocess.run([XIAOBEI, "eval", "guard", cases, "--json", report], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "神秘" not in done.stdout
    figures = json.loads(report.read_text())
    assert (figures["missed"]["hits"], figures["missed"]["n"]) == (1, 2)
    assert (figures["touched"]["hits"], figures["touched"]["n"]) == (0, 1)
    assert figures["cut"]["hits"] == 0 and figures["cut"]["n"] > 0
    shown = subprocess.run([XIAOBEI, "eval", "guard", cases, "--failures"], capture_output=True, text=True, timeout=60)
    assert "神秘" in shown.stdout
