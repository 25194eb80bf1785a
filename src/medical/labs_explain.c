/* labs_explain.c - see labs_explain.h. */
#include "medical/labs_explain.h"

#include <string.h>

static const struct {
    enum lab_why why;
    const char *zh, *en;
} reasons[] = {{LAB_WHY_SEX, "参考范围因性别或年龄而不同，请补充后再看。",
                "The range depends on sex or age; say which to have it judged. "},
               {LAB_WHY_AGE, "内置的成人参考范围不适用于这个年龄，请以报告单上的范围为准。",
                "The built-in adult range does not cover this age; use the range on the report. "},
               {LAB_WHY_PREGNANT, "内置范围不适用于孕期，请以报告单或产科医生的判断为准。",
                "The built-in range is not for pregnancy; ask the obstetric team. "},
               {LAB_WHY_UNIT, "这个单位无法换算，没有和内置的表比较。",
                "The unit cannot be converted, so it was not compared with the built-in tables. "},
               {LAB_WHY_IMPLAUSIBLE, "数值超出常见的可能范围，请先核对抄写、识别和单位。",
                "The value is outside what is usually possible: check the copying, the scan and the unit first. "},
               {LAB_WHY_MARK, "报告的箭头与所印范围不一致，请核对原单。",
                "The mark on the report and its range do not agree; check the original. "},
               {LAB_WHY_NO_RANGE, "没有可用的参考范围，不作高低判断。",
                "There is no range to compare it with, so it is not judged. "},
               {LAB_WHY_INEXACT, "结果是一个界限而不是确切的数，无法判断高低。",
                "The result is a bound or borderline, so it cannot be judged. "},
               {LAB_WHY_GUESSED_UNIT, "报告没有单位，按数值大小推测。", "No unit was printed; it was inferred. "},
               {LAB_WHY_ASSUMED_ADULT, "年龄未知，按成人范围比较。", "Age not known: compared with the adult range. "}};

static const char *const said[][2] = {
    {"未作判断。", "Not judged. "},
    {"在参考范围内。", "Within the range. "},
    {"低于参考范围。", "Below the range. "},
    {"高于参考范围。", "Above the range. "},
    {"很低，达到危急值，请立即联系医生或去急诊，并核对是否抄写有误。",
     "Critically low: contact a doctor now or go to an emergency department, and check the reading. "},
    {"很高，达到危急值，请立即联系医生或去急诊，并核对是否抄写有误。",
     "Critically high: contact a doctor now or go to an emergency department, and check the reading. "}};

static const char *moved(const struct lab_judged *j, int language)
{
    if (j->flag == LAB_HIGH || j->flag == LAB_CRITICAL_HIGH) return j->item->up[language];
    if (j->flag == LAB_LOW || j->flag == LAB_CRITICAL_LOW) return j->item->down[language];
    return "";
}

static void reasons_add(struct buf *out, unsigned why, bool english)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (why & reasons[i].why) buf_append_text(out, english ? reasons[i].en : reasons[i].zh);
}

int labs_explain(struct buf *out, const struct lab_tables *t, const struct lab_judged *j,
                 const struct lab_patient *patient)
{
    (void)t;
    (void)patient;
    bool answer = j->row->answer != 'x' && j->flag != LAB_UNKNOWN && j->flag != LAB_NORMAL;
    const char *up = moved(j, 0), *up_en = moved(j, 1);
    buf_printf(out, "%s：%s。%s", j->item->zh, j->item->about[0],
               answer ? "结果与预期不同，需要医生结合其他检查来看。" : said[j->flag][0]);
    if (*up) buf_printf(out, "常见的影响因素：%s。", up);
    reasons_add(out, j->why, false);
    buf_printf(out, "\n%s: %s. %s", j->item->en, j->item->about[1],
               answer ? "Not what is expected; a doctor reads it with the other tests. " : said[j->flag][1]);
    if (*up_en) buf_printf(out, "Commonly moved by: %s. ", up_en);
    reasons_add(out, j->why, true);
    while (out->len && out->data[out->len - 1] == ' ') buf_truncate(out, out->len - 1);
    return buf_error(out);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *group, *zh, *en, *again_zh, *again_en;
} doctors[] = {
    {"blood", "血液内科或全科", "haematology or general practice", "血常规", "the blood count"},
    {"iron", "血液内科或全科", "haematology or general practice", "血常规和铁代谢", "blood count and iron studies"},
    {"liver", "消化内科或肝病科", "gastroenterology or hepatology", "肝功能（空腹、不饮酒、避免剧烈运动）",
     "liver tests (fasting, no alcohol or hard exercise before)"},
    {"kidney", "肾内科", "nephrology", "肾功能和尿常规", "kidney tests and urinalysis"},
    {"urine", "肾内科或泌尿外科", "nephrology or urology", "清洁中段尿的尿常规",
     "urinalysis of a clean midstream sample"},
    {"lipid", "心血管内科或全科", "cardiology or general practice", "空腹血脂", "fasting lipids"},
    {"glucose", "内分泌科", "endocrinology", "空腹血糖和糖化血红蛋白", "fasting glucose and HbA1c"},
    {"thyroid", "内分泌科", "endocrinology", "甲状腺功能", "thyroid tests"},
    {"hormone", "内分泌科或妇产科", "endocrinology or gynaecology", "同一时段的激素",
     "the hormones at the same time of day or cycle"},
    {"electrolyte", "肾内科或内分泌科", "nephrology or endocrinology", "电解质（避免溶血）",
     "electrolytes (a sample without haemolysis)"},
    {"inflammation", "感染科、呼吸内科或全科", "infectious diseases or general practice", "炎症指标和血常规",
     "inflammation markers and the blood count"},
    {"heart", "心血管内科", "cardiology", "心肌指标和心电图", "cardiac markers and an ECG"},
    {"clotting", "血液内科", "haematology", "凝血功能", "clotting tests"},
    {"gas", "急诊科或呼吸内科", "emergency or respiratory medicine", "血气", "blood gases"},
    {"tumour", "相应专科（由全科转诊）", "the specialist a general practitioner names", "同一实验室、同一方法的标志物",
     "the marker, at the same laboratory with the same method"},
    {"hepatitis", "感染科或肝病科", "infectious diseases or hepatology", "相应的病毒学检查", "the virology"},
    {"immune", "风湿免疫科", "rheumatology", "免疫指标", "the immunology"},
    {"stool", "消化内科", "gastroenterology", "便常规和隐血", "stool test and occult blood"},
    {"vitamin", "全科或营养科", "general practice or nutrition", "维生素水平", "the vitamin level"}};

static bool abnormal(const struct lab_judged *j)
{
    return j->flag >= LAB_LOW;
}

static void critical_advice(struct buf *out, const struct lab_report *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_items; i++)
        if (r->items[i].flag >= LAB_CRITICAL_LOW)
            buf_printf(out, "%s%s", n++ ? "、" : "【紧急】", r->items[i].item->zh);
    if (!n) return;
    buf_append_text(
        out, "达到危急值：请马上联系开单医生或去急诊复核；若有胸痛、呼吸困难、意识不清、抽搐或大量出血，请拨打120。\n"
             "URGENT: a critical value. Contact the doctor who ordered the test or go to an emergency "
             "department now; call 120 (or your emergency number) for chest pain, trouble breathing, confusion, "
             "seizures or heavy bleeding.\n");
}

int labs_explain_advice(struct buf *out, const struct lab_tables *t, const struct lab_report *r)
{
    (void)t;
    size_t out_of_range = 0, unknown = 0;
    critical_advice(out, r);
    for (size_t i = 0; i < r->n_items; i++) {
        out_of_range += abnormal(&r->items[i]);
        unknown += r->items[i].flag == LAB_UNKNOWN;
    }
    for (size_t d = 0; d < sizeof doctors / sizeof *doctors; d++) {
        bool any = false;
        for (size_t i = 0; i < r->n_items && !any; i++)
            any = abnormal(&r->items[i]) && strcmp(r->items[i].item->group, doctors[d].group) == 0;
        if (any)
            buf_printf(out, "可与%s讨论；按医生意见复查%s。 Discuss with %s; repeat %s as the doctor advises.\n",
                       doctors[d].zh, doctors[d].again_zh, doctors[d].en, doctors[d].again_en);
    }
    if (r->n_items == 0)
        buf_append_text(out,
                        "没有读到认识的化验项目。请贴上“项目 结果 单位 参考范围”的文字。 No known laboratory item was "
                        "read; paste the lines with item, result, unit and range.\n");
    else if (out_of_range == 0 && unknown == 0)
        buf_append_text(
            out, "读到的项目都在参考范围内；如有不适仍请就医。 All items that were read are within their range; see a "
                 "doctor all the same if you feel unwell.\n");
    if (unknown) buf_printf(out, "有%zu项没有判断高低。 %zu items were not judged.\n", unknown, unknown);
    if (r->reading.n_unread)
        buf_append_text(out, "有些行没有认出来，没有猜测。 Some lines were not recognised and not guessed at.\n");
    if (r->reading.cut)
        buf_append_text(out, "报告太长，只读了前面一部分。 The report is too long; only its first part was read.\n");
    buf_append_text(
        out,
        "化验结果只是线索，不是诊断；不要据此自行用药、停药或改药。 Results are hints, not a diagnosis; do not start, "
        "stop or change any medicine because of them.");
    return buf_error(out);
}
