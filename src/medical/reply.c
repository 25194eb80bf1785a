/* reply.c - see reply.h. */
#include "medical/reply.h"

#include <string.h>

static const char *const level_words[TRIAGE_LEVELS][2] = {
    [TRIAGE_SELF] = {"可在家观察", "home care"},       [TRIAGE_CLINIC] = {"门诊", "outpatient clinic"},
    [TRIAGE_URG] = {"当天就医", "see a doctor today"}, [TRIAGE_ED] = {"立即去急诊", "emergency department now"},
    [TRIAGE_E120] = {"立即拨打 120", "call 120 now"},
};

bool reply_is_urgent(const struct triage_result *t)
{
    return t->level >= TRIAGE_ED;
}

/* Every line of text behind "> ". */
static void quote(const char *text, struct buf *out)
{
    while (*text) {
        const char *end = strchr(text, '\n');
        size_t n = end ? (size_t)(end - text) : strlen(text);
        buf_append_text(out, "> ");
        buf_append(out, text, n);
        buf_append_char(out, '\n');
        text += n + (end != NULL);
    }
}

void reply_card(const struct triage_result *t, struct buf *out)
{
    if (!reply_is_urgent(t)) return;
    buf_printf(out, t->english ? "> **Urgency: %s**\n" : "> **紧急程度：%s**\n", level_words[t->level][t->english]);
    quote(t->advice, out);
    buf_append_char(out, '\n');
}

void reply_closing(const struct triage_result *t, struct buf *out)
{
    bool english = t->english;
    buf_printf(out, english ? "\n\n> **Level: %s**" : "\n\n> **分级：%s**", level_words[t->level][english]);
    for (size_t i = 0; i < t->n_departments; i++) {
        const char *before = i ? (english ? ", " : "、") : english ? " | **Department:** " : "｜**建议科室：**";
        buf_append_text(out, before);
        buf_append_text(out, t->departments[i].department->name);
    }
    buf_append_char(out, '\n');
    if (reply_is_urgent(t)) {
        buf_append_text(
            out, english ? "> Please do what stands at the top first. AI-generated, no substitute for a doctor.\n"
                         : "> 请先按最上面的提示做。以上由 AI 生成，仅供参考，不能代替医生。\n");
        return;
    }
    quote(t->advice, out);
    if (t->level == TRIAGE_SELF) return;
    buf_append_text(out, english ? "> Bring: earlier results, a list of your medicines and allergies.\n"
                                 : "> 就诊请带：以往的检查结果、正在用的药和过敏史的清单。\n");
}

/* Short, and as orders: small models recite what reads like a report. */
void reply_note(const struct triage_result *t, struct buf *out)
{
    static const char *const orders[TRIAGE_LEVELS][2] = {
        [TRIAGE_URG] = {"请先说今天之内要看医生，再简短说明要留意什么。",
                        "Say first that a doctor should be seen today, then briefly what to watch for."},
        [TRIAGE_ED] = {"这是急诊情况。请用两三句话：先催对方马上去急诊，再安抚。不要说可以等。",
                       "This is an emergency. In two or three sentences urge them to go to the emergency department "
                       "now, then reassure. Do not say it can wait."},
        [TRIAGE_E120] =
            {"这是危及生命的急症。请用两三句话：先催对方马上拨打120，再安抚陪伴。不要说可以等。",
             "This is life-threatening. In two or three sentences urge them to call 120 now, then reassure. "
             "Do not say it can wait."},
    };
    const char *order = orders[t->level][t->english];
    if (order) buf_append_text(out, order);
}

static bool is_blank(const char *line, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') return false;
    return true;
}

void reply_strip(const char *text, size_t n, struct buf *out)
{
    size_t begin = out->len;
    size_t kept = out->len; /* behind the last line that is not blank */
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t length = end ? (size_t)(end - (text + at)) : n - at;
        bool ours = length >= 2 && text[at] == '>' && text[at + 1] == ' ';
        bool blank = is_blank(text + at, length);
        if (!ours && !(blank && out->len == begin)) {
            buf_append(out, text + at, length + (end != NULL));
            if (!blank) kept = out->len;
        }
        at += length + (end != NULL);
    }
    if (kept > begin && out->len >= kept && buf_text(out)[kept - 1] == '\n') kept--;
    buf_truncate(out, kept);
}
