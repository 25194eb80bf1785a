/* labs_patterns.c - see labs_patterns.h. Each pattern is a list of items with the flag they must have; the first
 * condition must hold, and enough of the others. */
#include "medical/labs_patterns.h"

#include <stdio.h>
#include <string.h>

enum { CONDITIONS = 8 };

struct condition {
    const char *loinc;
    char flag; /* 'h', 'l', 'n' normal */
};

static const struct pattern {
    const char *id, *zh, *en, *say_zh, *say_en;
    struct condition must[3];         /* all */
    struct condition any[CONDITIONS]; /* at least `least` */
    int least;
} patterns[] = {
    {"anaemia_microcytic",
     "血红蛋白低，红细胞偏小",
     "low haemoglobin with small cells",
     "医生常会接着看铁代谢、月经和消化道失血、家族中的地中海贫血",
     "doctors often look at iron, blood loss and thalassaemia in the family next",
     {{"718-7", 'l'}},
     {{"787-2", 'l'}, {"785-6", 'l'}},
     1},
    {"anaemia_macrocytic",
     "血红蛋白低，红细胞偏大",
     "low haemoglobin with large cells",
     "医生常会接着看维生素B12、叶酸、甲状腺、饮酒和肝脏",
     "doctors often look at vitamin B12, folate, thyroid, alcohol and liver next",
     {{"718-7", 'l'}, {"787-2", 'h'}},
     {{0}},
     0},
    {"anaemia_normocytic",
     "血红蛋白低，红细胞大小正常",
     "low haemoglobin with cells of normal size",
     "医生常会接着看近期出血、慢性炎症、肾功能和网织红细胞",
     "doctors often look at recent bleeding, chronic inflammation, kidneys and reticulocytes next",
     {{"718-7", 'l'}, {"787-2", 'n'}},
     {{0}},
     0},
    {"cells_all_low",
     "多种血细胞同时偏低",
     "several kinds of blood cells low",
     "应尽快由血液科医生复核血涂片",
     "a haematologist should look at a blood film soon",
     {{0}},
     {{"718-7", 'l'}, {"6690-2", 'l'}, {"777-3", 'l'}},
     2},
    {"liver_cells",
     "转氨酶偏高",
     "raised transaminases",
     "常与脂肪肝、饮酒、病毒、药物或剧烈运动有关，需要医生分辨",
     "fatty liver, alcohol, viruses, medicines or hard exercise are common; a doctor tells them apart",
     {{0}},
     {{"1742-6", 'h'}, {"1920-8", 'h'}},
     1},
    {"liver_bile",
     "胆汁淤积相关指标偏高",
     "markers of bile flow raised",
     "医生常会接着做腹部超声，看胆道和肝脏",
     "doctors often look at bile ducts and liver with ultrasound next",
     {{0}},
     {{"6768-6", 'h'}, {"2324-2", 'h'}, {"14629-0", 'h'}, {"14628-2", 'h'}},
     2},
    {"liver_making",
     "肝脏合成相关指标异常",
     "markers of what the liver makes are off",
     "应由医生结合营养、肾脏和肝脏情况判断",
     "a doctor reads them with nutrition, kidneys and liver",
     {{"1751-7", 'l'}},
     {{"6301-6", 'h'}, {"5902-2", 'h'}, {"14631-6", 'h'}},
     1},
    {"kidney",
     "肾功能相关指标偏高",
     "kidney markers off",
     "需看是否缺水、近期用药、既往结果和尿常规；短期内明显变化要尽快就医",
     "hydration, recent medicines, earlier results and urine are looked at; a quick change needs prompt care",
     {{0}},
     {{"14682-9", 'h'}, {"62238-1", 'l'}, {"33863-2", 'h'}},
     1},
    {"lipids",
     "血脂异常",
     "lipids out of range",
     "目标值取决于总体心血管风险，由医生评估；饮食、运动、体重和戒烟都有影响",
     "targets depend on overall heart risk; food, exercise, weight and smoking matter",
     {{0}},
     {{"14647-2", 'h'}, {"14927-8", 'h'}, {"22748-8", 'h'}, {"14646-4", 'l'}},
     1},
    {"thyroid_under",
     "促甲状腺激素高，甲状腺激素低",
     "TSH high with low thyroid hormone",
     "提示甲状腺激素可能不足，需内分泌科复查确认",
     "may mean too little thyroid hormone; endocrinology confirms with a repeat",
     {{"3016-3", 'h'}},
     {{"14920-3", 'l'}, {"14928-6", 'l'}, {"14921-1", 'l'}, {"14930-2", 'l'}},
     1},
    {"thyroid_under_mild",
     "仅促甲状腺激素偏高",
     "TSH alone raised",
     "常先在数周后复查，再由医生判断",
     "usually repeated after some weeks before it is judged",
     {{"3016-3", 'h'}, {"14920-3", 'n'}},
     {{0}},
     0},
    {"thyroid_over",
     "促甲状腺激素低，甲状腺激素高",
     "TSH low with high thyroid hormone",
     "提示甲状腺激素可能过多，需内分泌科查明原因",
     "may mean too much thyroid hormone; endocrinology finds out why",
     {{"3016-3", 'l'}},
     {{"14920-3", 'h'}, {"14928-6", 'h'}, {"14921-1", 'h'}, {"14930-2", 'h'}},
     1},
    {"thyroid_over_mild",
     "仅促甲状腺激素偏低",
     "TSH alone low",
     "常先在数周后复查，再由医生判断",
     "usually repeated after some weeks before it is judged",
     {{"3016-3", 'l'}, {"14920-3", 'n'}},
     {{0}},
     0},
    {"glucose",
     "血糖相关指标偏高",
     "glucose markers raised",
     "一次结果不能下结论，需在另一天空腹复查，并由医生判断",
     "one result settles nothing; it is repeated fasting on another day",
     {{0}},
     {{"14771-0", 'h'}, {"4548-4", 'h'}, {"14995-5", 'h'}, {"14749-6", 'h'}},
     1},
    {"glucose_low",
     "血糖偏低",
     "glucose low",
     "若有出汗、手抖、心慌、意识模糊，请立即处理并就医",
     "with sweating, shaking or confusion act now and get help",
     {{0}},
     {{"14771-0", 'l'}, {"14749-6", 'l'}},
     1},
    {"inflammation",
     "炎症指标偏高",
     "inflammation markers raised",
     "感染、创伤、手术后和慢性炎症都可引起，要结合症状看",
     "infection, injury, surgery and chronic inflammation can do this; symptoms decide",
     {{0}},
     {{"1988-5", 'h'}, {"30522-7", 'h'}, {"33959-8", 'h'}, {"4537-7", 'h'}, {"6690-2", 'h'}, {"26881-3", 'h'}},
     2},
    {"iron_low",
     "铁储备相关指标偏低",
     "iron stores low",
     "医生会查找摄入不足或失血的原因",
     "doctors look for low intake or blood loss",
     {{"2276-4", 'l'}},
     {{0}},
     0},
    {"uric_acid",
     "尿酸偏高",
     "uric acid raised",
     "饮酒、高嘌呤饮食、含糖饮料、体重和肾脏都有影响",
     "alcohol, purine-rich food, sweet drinks, weight and kidneys matter",
     {{"14933-6", 'h'}},
     {{0}},
     0}};

static bool holds(const struct lab_report *r, const struct condition *c)
{
    for (size_t i = 0; i < r->n_items; i++) {
        enum lab_flag f = r->items[i].flag;
        if (strcmp(r->items[i].item->loinc, c->loinc) != 0) continue;
        if (c->flag == 'h' && (f == LAB_HIGH || f == LAB_CRITICAL_HIGH)) return true;
        if (c->flag == 'l' && (f == LAB_LOW || f == LAB_CRITICAL_LOW)) return true;
        if (c->flag == 'n' && f == LAB_NORMAL) return true;
    }
    return false;
}

json_t *labs_patterns_json(const struct lab_report *r)
{
    json_t *out = json_array();
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        const struct pattern *p = &patterns[i];
        char title[256], text[512];
        bool all = true;
        int any = 0;
        for (size_t k = 0; k < 3 && p->must[k].loinc; k++) all = all && holds(r, &p->must[k]);
        for (size_t k = 0; k < CONDITIONS && p->any[k].loinc; k++) any += holds(r, &p->any[k]);
        if (!all || any < p->least) continue;
        snprintf(title, sizeof title, "%s / %s", p->zh, p->en);
        snprintf(text, sizeof text, "%s。这不是诊断。\n%s. This is not a diagnosis.", p->say_zh, p->say_en);
        json_array_append_new(out, json_pack("{s:s, s:s, s:s}", "id", p->id, "title", title, "explanation", text));
    }
    return out;
}
