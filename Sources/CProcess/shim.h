/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BRIDGEHEAD_CPROCESS_H
#define BRIDGEHEAD_CPROCESS_H
#include <sys/prctl.h>
/* Swift imports no function with a variable number of arguments. prctl(2): no core is made of the process, and no other
   process of the same user may look into it. Returns 0 when done. */
static inline int bridgehead_refuse_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }
#endif
