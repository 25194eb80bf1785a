"""`xiaobei labs`: an oracle over the tables (every row, every bound, every unit), layouts people paste, bad input."""
import csv
import itertools
import json
import math
import subprocess
from fractions import Fraction

import pytest

from conftest import BINARY, ROOT

# How many of a unit make one of the item's own: written here, not read from the program's table.
MOLAR = {"14771-0": ("mg/dL", 18.0156), "14647-2": ("mg/dL", 38.665), "22748-8": ("mg/dL", 38.665),
         "14646-4": ("mg/dL", 38.665), "14927-8": ("mg/dL", 88.54), "14682-9": ("mg/dL", 0.011312),
         "14933-6": ("mg/dL", 0.016811), "14631-6": ("mg/dL", 0.058466), "2000-8": ("mg/dL", 4.0078)}
SCALED = {"10^9/L": ("K/uL", 1), "10^12/L": ("10^6/uL", 1), "g/L": ("g/dL", 0.1), "U/L": ("IU/L", 1),
          "L/L": ("%", 100), "umol/L": ("mmol/L", 0.001)}


def table(name):
    lines = [line for line in (ROOT / "data" / name).read_text().split("\n") if line and line[0] != "#"]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


RANGES, CRITICAL = table("lab_ranges.tsv"), {row["loinc"]: row for row in table("lab_critical.tsv")}


def labs(cases):
    lines = "\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    done = subprocess.run([BINARY, "labs"], input=lines.encode(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def read(text, **profile):
    return labs([{"text": text, "profile": profile}])[0]


def found(text, **profile):
    return {item["loinc"]: (item["value"], item["flag"]) for item in read(text, **profile)["items"]}


def expected(loinc, x, low, high):
    row = CRITICAL.get(loinc)
    if row and row["crit_low"] != "-" and x <= Fraction(row["crit_low"]):
        return "critical_low"
    if row and row["crit_high"] != "-" and x >= Fraction(row["crit_high"]):
        return "critical_high"
    return "low" if x < low else "high" if x > high else "normal"


def values_around(row):
    """Bounds and their neighbours of the row and of the critical values, as decimals."""
    bounds = [row["low"], row["high"]]
    critical = CRITICAL.get(row["loinc"], {})
    bounds += [critical[k] for k in ("crit_low", "crit_high") if critical.get(k, "-") != "-"]
    step = Fraction(1, 1000)
    for bound in {Fraction(b) for b in bounds}:
        yield from (bound - step, bound, bound + step)
    low, high = Fraction(row["low"]), Fraction(row["high"])
    yield from ((low + high) / 2, low + (high - low) / 4, high * Fraction(3, 2), high * 2, low / 2, low * Fraction(4, 5))


def oracle_cases():
    for row in RANGES:
        sex = {"M": "male", "F": "female", "*": "female"}[row["sex"]]
        low, high = Fraction(row["low"]), Fraction(row["high"])
        names = (row["zh"], row["en"])
        for x, name in itertools.product(sorted(set(values_around(row))), names):
            if x < 0:
                continue
            for age in {int(row["age_lo"]), int(row["age_hi"])}:
                want = expected(row["loinc"], x, low, high)
                yield {"text": f"{name} {float(x):.10g} {row['unit']}", "profile": {"age": age, "sex": sex}}, row, want
        for unit, per in filter(None, (MOLAR.get(row["loinc"]), SCALED.get(row["unit"]))):
            for x in sorted(set(values_around(row))):
                shown = f"{float(x) * per:.9f}"
                if x < 0 or unit == row["unit"]:
                    continue
                if any(abs(float(x) - float(b)) < 1e-9 for b in (low, high)) and row["loinc"] in MOLAR:
                    continue  # a bound that does not come out even in the other unit belongs to neither side
                crit = CRITICAL.get(row["loinc"], {})
                if any(crit.get(k, "-") != "-" and x == Fraction(crit[k]) for k in ("crit_low", "crit_high")) and row["loinc"] in MOLAR:
                    continue
                want = expected(row["loinc"], x, low, high)
                yield {"text": f"{row['zh']} {shown} {unit}", "profile": {"age": int(row["age_lo"]), "sex": sex}}, row, want


def test_every_flag_agrees_with_the_tables():
    cases = list(oracle_cases())
    assert len(cases) >= 2000
    wrong, critical = [], [0, 0]
    for (case, row, want), answer in zip(cases, labs(case for case, _, _ in cases)):
        items = answer["items"]
        got = items[0]["flag"] if len(items) == 1 and items[0]["loinc"] == row["loinc"] else f"{len(items)} items"
        if want.startswith("critical"):
            critical[0] += 1
            critical[1] += got == want
        if got != want:
            wrong.append((case["text"], case["profile"], want, got))
    print(f"{len(cases)} values, {len(cases) - len(wrong)} agree; critical {critical[1]} of {critical[0]}")
    assert not wrong, (len(wrong), wrong[:10])
    assert critical[0] == critical[1] > 100


def test_the_printed_range_wins_but_for_critical_values():
    cases, wants = [], []
    for row in RANGES:
        low, high = Fraction(row["low"]), Fraction(row["high"])
        shifted = (float(high) * 1.01, float(high) * 1.5)
        x = float(high) * 1.25
        cases.append({"text": f"{row['zh']} {x:.8g} {row['unit']} {shifted[0]:.8g}-{shifted[1]:.8g}"})
        wants.append(expected(row["loinc"], Fraction(f"{x:.8g}"), Fraction(f"{shifted[0]:.8g}"), Fraction(f"{shifted[1]:.8g}")))
        del low
    for case, want, answer in zip(cases, wants, labs(cases)):
        assert [(i["flag"], i["source_of_range"]) for i in answer["items"]] == [(want, "report")], case


LAYOUTS = {
    "spaces": "项目 结果 单位 参考范围\n白细胞 12.3 10^9/L 3.5-9.5\n血红蛋白 98 g/L 115-150\n谷丙转氨酶 33 U/L 7-40",
    "tabs": "项目\t结果\t单位\t参考范围\n白细胞\t12.3\t10^9/L\t3.5-9.5\n血红蛋白\t98\tg/L\t115-150\n谷丙转氨酶\t33\tU/L\t7-40",
    "markdown": "| 项目 | 结果 | 单位 | 参考范围 |\n|---|---|---|---|\n| 白细胞 | 12.3 ↑ | 10^9/L | 3.5-9.5 |\n| 血红蛋白 | 98 ↓ | g/L | 115-150 |\n| 谷丙转氨酶 | 33 | U/L | 7-40 |",
    "csv": "item,result,unit,range\nWBC,12.3,10^9/L,3.5-9.5\nHGB,98,g/L,115-150\nALT,33,U/L,7-40",
    "one line": "WBC 12.3×10^9/L（3.5-9.5），HGB 98g/L（115-150）；ALT 33 U/L（7～40）",
    "range first": "白细胞 3.5-9.5 12.3 10^9/L\n血红蛋白 115-150 98 g/L\nALT 7-40 33 U/L",
    "numbered with codes": "1 WBC 白细胞计数 12.3 H 3.5--9.5 10^9/L\n2 HGB 血红蛋白 98 L 115--150 g/L\n3 ALT 丙氨酸氨基转移酶 33 7--40 U/L",
    "no spaces": "白细胞12.3×10^9/L3.5-9.5\n血红蛋白98g/L115-150\n谷丙转氨酶33U/L7-40",
    "full width": "白细胞（ＷＢＣ）：１２．３　１０＾９／Ｌ　３．５～９．５\n血红蛋白：９８　ｇ／Ｌ　１１５～１５０\nＡＬＴ：３３　Ｕ／Ｌ　７～４０",
    "below each other": "白细胞\n12.3\n10^9/L\n3.5-9.5\n血红蛋白\n98\ng/L\n115-150\n谷丙转氨酶\n33\nU/L\n7-40",
    "sentence": "我的白细胞是12.3，血红蛋白只有98，谷丙转氨酶33，正常吗？",
    "ocr": "白细胞计数 l2.3 1O^9/L 3.5-9.5\n血红蛋白 98 g/L 115-15O\n谷丙转氨酶 33 U/1 7-4O",
    "english": "White blood cells: 12.3 K/uL (3.5 - 9.5)\nHemoglobin: 9.8 g/dL (11.5 - 15.0)\nALT (SGPT): 33 U/L (7 to 40)",
    "two columns": "白细胞 12.3 3.5-9.5 10^9/L    血红蛋白 98 115-150 g/L    ALT 33 7-40 U/L",
    "traditional": "白血球計數 12.3 10^9/L 3.5-9.5\n血紅蛋白 98 g/L 115-150\n谷丙轉氨酶 33 U/L 7-40",
    "header above values": "WBC HGB ALT\n12.3 98 33",
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout):
    got = found(LAYOUTS[layout], age=35, sex="female")
    assert {k: v[1] for k, v in got.items()} == {"6690-2": "high", "718-7": "low", "1742-6": "normal"}
    assert got["6690-2"][0] == 12.3 and got["718-7"][0] in (98, 9.8) and got["1742-6"][0] == 33


@pytest.mark.parametrize("text,loinc,value,flag", [
    ("总胆固醇 5.3 mmol/L <5.2", "14647-2", 5.3, "high"),
    ("总胆固醇 5.2 mmol/L <5.2", "14647-2", 5.2, "high"),
    ("总胆固醇 5.2 mmol/L ≤5.2", "14647-2", 5.2, "normal"),
    ("HDL-C 0.98 mmol/L >1.04", "14646-4", 0.98, "low"),
    ("C反应蛋白 <0.5 mg/L 0-10", "1988-5", "<0.5", "normal"),
    ("CRP <0.50 <5.00 mg/L", "1988-5", "<0.5", "normal"),
    ("铁蛋白 >1500 ng/mL 30-400", "2276-4", ">1500", "high"),
    ("TSH <0.005 mIU/L 0.27-4.2", "3016-3", "<0.005", "low"),
    ("PLT 1,234 10^9/L", "777-3", 1234, "critical_high"),
    ("尿酸 430μmol/L", "14933-6", 430, "high"),
    ("血糖 5.63.9-6.1 mmol/L", "14771-0", 5.6, "normal"),
    ("空腹血糖 7。8 mmol/L", "14771-0", 7.8, "high"),
    ("WBC 5.6 *10^9/L", "6690-2", 5.6, "normal"),
    ("WBC 5.6 ×109/L", "6690-2", 5.6, "normal"),
    ("WBC 5600 /uL", "6690-2", 5600, "normal"),
    ("血红蛋白 12.5 g/dL", "718-7", 12.5, "normal"),
    ("Hb 12.5 11.5-15.0", "718-7", 12.5, "normal"),
    ("Hb 12.5", "718-7", 12.5, "normal"),
    ("GLU 95", "14771-0", 95, "normal"),
    ("糖化血红蛋白 48 mmol/mol", "4548-4", 48, "high"),
    ("BE -5.2 mmol/L -3~3", "1925-7", -5.2, "low"),
    ("剩余碱 -1 -3-3", "1925-7", -1, "normal"),
    ("CA125 12.5 U/mL 0-35", "10334-1", 12.5, "normal"),
    ("CA 19-9 52 U/mL 0-37", "24108-3", 52, "high"),
    ("25-羟维生素D 18 ng/mL 30-100", "62292-8", 18, "low"),
    ("D-二聚体 0.8 mg/L 0-0.5", "48065-7", 0.8, "high"),
    ("血红蛋白 120 g/L 男:130-175 女:115-150", "718-7", 120, "normal"),
    ("白细胞 5.1⬆️", "6690-2", 5.1, "high"),
    ("K 6.2 mmol/L 3.5-7.0", "2823-3", 6.2, "critical_high"),
    ("K 2.8", "2823-3", 2.8, "critical_low"),
    ("INR 5.0", "6301-6", 5.0, "critical_high"),
    ("尿常规\n蛋白质 2+ 阴性", "5804-0", "阳性 positive", "high"),
    ("尿常规\npH 6.0 4.5-8.0", "5803-2", 6.0, "normal"),
    ("NEU: 0.9 10^9/L (1.8-6.3)", "751-8", 0.9, "low"),
    ("NEU 3.1 1.8-6.3", "751-8", 3.1, "normal"),
    ("中性粒细胞 78 40-75", "770-8", 78, "high"),
    ("淋巴细胞 0.8 10^9/L 1.1-3.2", "731-0", 0.8, "low"),
    ("白细胞 12 /HPF 0-5", "5821-4", 12, "high"),
    ("尿常规\n白细胞 12 0-5", "5821-4", 12, "high"),
    ("glucose 500", "14771-0", 500, "critical_high"),
    ("血小板2万", "777-3", 20000, "critical_low"),
    ("白细胞1.2万", "6690-2", 12000, "high"),
    ("血钾危急值 7.1", "2823-3", 7.1, "critical_high"),
    ("WBC: 1.5 (4.0-10.0) L", "6690-2", 1.5, "critical_low"),
    ("RBC 4.2 4.0-5.5", "789-8", 4.2, "normal"),
    ("血小板压积 PCT 0.22 % 0.11-0.28", "51637-7", 0.22, "normal"),
    ("尿酸超标 520，血压 140/90", "14933-6", 520, "high"),
    ("LDL is 160 mg/dL and HDL 50 mg/dL", "22748-8", 160, "high"),
    ("乙肝表面抗原 阴性(-)", "5196-1", "阴性 negative", "normal"),
    ("HBsAg 阳性(+) 阴性", "5196-1", "阳性 positive", "high"),
])
def test_one_line(text, loinc, value, flag):
    assert found(text, age=35, sex="female").get(loinc) == (value, flag), read(text)


@pytest.mark.parametrize("text", ["抗某某抗体 12.3 U/mL 0-10", "XYZQ 45 mg/L 0-10", "小密LDL 1.2 mmol/L 0-1", "XX-HDL 4.1 mmol/L 1-2", "某某抗原 阳性", "血钾某某值 7.1", "降钙素 12 pg/mL 0-10", "CA549 50 U/mL 0-30",
                                  "尿酸碱指数 3.2 g/L 1-2", "肌酐清除率 45 mL/min 80-120", "白细胞介素8 45 pg/mL 0-62"])
def test_what_is_not_known_is_said_and_not_guessed(text):
    answer = read(text)
    assert answer["items"] == [] and answer["unrecognised"] == [text]


def test_a_second_thing_without_a_known_name_is_not_swallowed():
    answer = read("甘油三酯2.3，血压 140/90，肌酐 60，抗某抗体 5.5 U/mL")
    assert [i["loinc"] for i in answer["items"]] == ["14927-8", "14682-9"]
    assert answer["unrecognised"] == ["血压 140/90", "抗某抗体 5.5 U/mL"]


def test_a_report_of_many_rows_is_cut_and_says_so():
    answer = read("WBC 5.6 10^9/L\n" * 1000)
    assert 100 <= len(answer["items"]) < 1000 and "只读了前面一部分" in answer["advice"]


def test_a_whole_report_on_one_line():
    rows = table("lab_ranges.tsv")
    names = {row["loinc"]: f"{row['zh']} {row['en']} {row['low']} {row['unit']} {row['low']}-{row['high']}" for row in rows}
    assert [i["loinc"] for i in read("; ".join(names.values()))["items"]] == list(names)


def test_names_and_dates_are_no_results():
    answer = read("姓名：某某 性别：女 年龄：35岁 报告日期：2024-03-05 08:30\n科室：内科 床号：12")
    assert answer["items"] == [] and answer["unrecognised"] == []


@pytest.mark.parametrize("profile,reason", [({"age": 6}, "年龄"), ({"age": 30, "sex": "female", "pregnant": True}, "孕期"), ({}, "性别")])
def test_adult_ranges_are_not_used_where_they_do_not_hold(profile, reason):
    (item,) = read("血红蛋白 120 g/L", **profile)["items"]
    assert item["flag"] == "unknown" and item["range"] is None and reason in item["explanation"]


def test_sex_and_age_printed_on_the_report_are_used():
    assert found("性别：女 年龄：35岁\n血红蛋白 120 g/L")["718-7"][1] == "normal"
    assert found("性别:男  年龄:35\n血红蛋白 120 g/L")["718-7"][1] == "low"


@pytest.mark.parametrize("text,pattern", [
    ("HGB 98 g/L 115-150\nMCV 70 fL 82-100", "anaemia_microcytic"), ("HGB 98 g/L 115-150\nMCV 110 fL 82-100", "anaemia_macrocytic"),
    ("HGB 98 g/L 115-150\nMCV 90 fL 82-100\nMCH 30 pg 27-34", "anaemia_normocytic"), ("ALT 80 U/L 7-40", "liver_cells"),
    ("肌酐 150 umol/L 41-73", "kidney"), ("LDL-C 4.5 mmol/L", "lipids"), ("TSH 12 mIU/L 0.3-4.2\nFT4 8 pmol/L 12-22", "thyroid_under"),
    ("空腹血糖 7.5 mmol/L", "glucose"), ("CRP 40 mg/L 0-10\nWBC 14 10^9/L 3.5-9.5", "inflammation")])
def test_patterns(text, pattern):
    assert pattern in [p["id"] for p in read(text, age=35, sex="female")["patterns"]]
    assert read("WBC 5 10^9/L 3.5-9.5")["patterns"] == []


def test_critical_comes_first_in_the_advice():
    assert read("钾 6.8 mmol/L 3.5-5.3")["advice"].startswith("【紧急】钾")
    assert "紧急" not in read("钾 4.1 mmol/L 3.5-5.3")["advice"]


@pytest.mark.parametrize("text", ["", " \n\t", "你好", "12345", "\x01\x02\x7f\ufffd", "白细胞" * 30000, "WBC 5.6 " * 100000, "5.6-" * 200000,
                                  "白 " * 200000, "(" * 500000, "9" * 1000000, "1.1." * 200000, "2024-" * 180000, "WBC 5" + ",a" * 400000, "CRP " * 200000, "a1" * 400000], ids=lambda t: t[:9])
def test_bad_input_is_answered(text):
    answer = read(text)
    assert isinstance(answer["items"], list) and answer["advice"]


def test_what_is_too_long_or_no_report_is_refused():
    for line, code in (('{"text":"%s"}' % ("x" * (2 << 20)), 65), ('{"text":5}', 65), ("[]", 65), ('{"text":"","profile":{"age":-1}}', 65)):
        done = subprocess.run([BINARY, "labs"], input=line.encode(), capture_output=True, timeout=60)
        assert done.returncode == code and done.stdout == b""


def test_every_item_is_described_and_marked_unreviewed():
    items = table("lab_items.tsv")
    assert len(items) >= 120 and all(i["about_zh"] and i["about_en"] and i["checked"] for i in items)
    for name in ("lab_items.tsv", "lab_ranges.tsv", "lab_critical.tsv", "lab_units.tsv", "lab_conversions.tsv"):
        assert "未经临床医师审核 / not yet reviewed by a clinician" in (ROOT / "data" / name).read_text()[:200]
    assert math.isclose(MOLAR["14771-0"][1], 18.0156)
