/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BRIDGEHEAD_CARES_H
#define BRIDGEHEAD_CARES_H
#include <ares.h>
#endif
