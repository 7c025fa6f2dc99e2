/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BRIDGEHEAD_CARES_H
#define BRIDGEHEAD_CARES_H
/* ares.h only names hostent, timeval and in_addr: their definitions come first. */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/in.h>
#include <netdb.h>
#include <ares.h>
#endif
