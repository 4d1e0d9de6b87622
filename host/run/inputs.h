/* inputs.h - the files that a run reads do not lie in the folder that it replaces. */
#ifndef AIT_RUN_INPUTS_H
#define AIT_RUN_INPUTS_H

#include "run/folder.h"
#include "run/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* To be called with a folder that was checked, before anything is read. Links are followed; files that are not there
 * are left to whoever reads them.
 * Errors: AIT_INVALID_ARGUMENT (an input lies in the folder; the sentence names its option and --out). */
ait_status ait_inputs_check(const ait_clean_settings *settings, const ait_folder *folder);

#ifdef __cplusplus
}
#endif
#endif
