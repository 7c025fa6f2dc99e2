/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BRIDGEHEAD_CXML2_H
#define BRIDGEHEAD_CXML2_H
/* Debian's headers would bring ICU's, which are a second definition beside those of Foundation's own. What they are for,
   converters by name (the end of xmlCharEncodingHandler), is used nowhere. */
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/parser.h>
#include <libxml/xmlreader.h>
#endif
