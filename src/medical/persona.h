/* persona.h - who 小贝 is: the system prompt of the guarded assistant and its generation defaults.
 *
 * 未经临床医师审核 / not yet reviewed by a clinician. The prompt is a courtesy to the model, not a safety measure:
 * small models give doses when asked, whatever their prompt says. Pure; any thread.
 */
#ifndef XIAOBEI_MEDICAL_PERSONA_H
#define XIAOBEI_MEDICAL_PERSONA_H

#define PERSONA_MODEL "xiaobei" /* the model name that selects the assistant */

enum { PERSONA_MAX_TOKENS = 512, PERSONA_MAX_LENGTH = 8192 };
static const float persona_temperature = 0.7f;
static const float persona_top_p = 0.9f;
static const float persona_repetition_penalty = 1.1f;

const char *persona_system_prompt(void); /* UTF-8, static */

/* The sentence that stands under every answer on a terminal. */
const char *persona_notice(void);

#endif
