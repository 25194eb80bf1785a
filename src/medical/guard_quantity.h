/* guard_quantity.h - what in a sentence could be the amount, the frequency, the duration or the way of a medicine,
 * whatever it belongs to. Pure; any thread. */
#ifndef XIAOBEI_MEDICAL_GUARD_QUANTITY_H
#define XIAOBEI_MEDICAL_GUARD_QUANTITY_H

#include "medical/guard_lex.h"

enum guard_quantity_kind {
    Q_STRONG,   /* mg, tablets, puffs, bid, half a tablet: medicine unless something explains it */
    Q_PILL,     /* 两片 三袋 one bottle: a medicine's or a food's */
    Q_GRAM,     /* g, ml, spoons */
    Q_FREQ,     /* three times a day, every 8 hours */
    Q_DURATION, /* for 5 days */
    Q_TIME,     /* hours, minutes */
    Q_TIMES,    /* three times */
    Q_TIMING,   /* before meals */
    Q_ROUTE,    /* by mouth */
    Q_BARE,     /* a number beside a drug */
    Q_LAB,      /* with a laboratory's unit: never a dose */
};

struct guard_quantity {
    enum guard_quantity_kind kind;
    uint32_t first; /* tokens */
    uint32_t last;
};

/* Find them, in order, at most max; returns how many. */
size_t guard_quantities(const struct guard_line *line, struct guard_quantity *out, size_t max);

#endif
