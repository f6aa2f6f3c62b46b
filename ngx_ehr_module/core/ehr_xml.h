/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The only door to libxml2: bytes pass the gate, then a push parser without
 * DTD, entities, network or tree, and come out as three kinds of events.
 * What libxml2 says in words is dropped, because it quotes values.
 */

#ifndef EHR_XML_H
#define EHR_XML_H


#include "ehr_gate.h"


/* An element with a namespace prefix has this name: it is none of ours. */
#define EHR_XML_FOREIGN  "*"


typedef enum {
    EHR_XML_OK = 0,
    EHR_XML_GATE,             /* refused before parsing; see gate */
    EHR_XML_SYNTAX,           /* not well-formed */
    EHR_XML_CPU               /* cost more than the deadline allows */
} ehr_xml_e;


/* name and text are valid for the call only. */

typedef struct {
    void  (*start)(void *data, const char *name, size_t len);
    void  (*end)(void *data);
    void  (*text)(void *data, const char *text, size_t len);
    void   *data;
} ehr_xml_events_t;


typedef struct {
    ehr_str_t                 content;
    const ehr_gate_limits_t  *limits;
    ehr_xml_events_t          events;
    int64_t                   deadline_ns;   /* 0: none */
    int64_t                 (*cpu_now_ns)(void);
} ehr_xml_input_t;


typedef struct {
    ehr_xml_e   kind;
    ehr_gate_e  gate;
    uint32_t    line;         /* 1.. */
} ehr_xml_fault_t;


typedef struct ehr_xml_s  ehr_xml_t;


/* Once in the process, before threads and fork. */
void ehr_xml_init(void);

/* A parser that can be used again and again, by one thread; NULL without
 * memory. */
ehr_xml_t *ehr_xml_create(void);
void ehr_xml_destroy(ehr_xml_t *xml);

/*
 * Gives  EHR_OK (also when a handler stopped it); EHR_REFUSED with *fault;
 *        EHR_BROKEN without memory
 */
ehr_rc_t ehr_xml_parse(ehr_xml_t *xml, const ehr_xml_input_t *in,
                       ehr_xml_fault_t *fault);

/* For handlers: where the parser stands; let others have the next events;
 * want no more of them. */
uint32_t ehr_xml_line(const ehr_xml_t *xml);
void ehr_xml_switch(ehr_xml_t *xml, const ehr_xml_events_t *events);
void ehr_xml_stop(ehr_xml_t *xml);


#endif /* EHR_XML_H */
