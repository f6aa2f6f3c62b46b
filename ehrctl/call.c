/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * One call of the admin API: the peer from the options, the answer as JSON, a
 * complaint for everything else.  Knows no path.
 */

#include "call.h"
#include "output.h"


json_t *
ehrctl_call(ehrctl_t *ctl, http_request_t *request)
{
    json_t           *answer;
    http_peer_t       peer;
    http_response_t   response;

    peer.url = ctl->server;
    peer.cert = ctl->cert;
    peer.key = ctl->key;
    peer.ca = ctl->ca;

    request->language = ctl->lang == EHR_LANG_VI ? "vi" : "en";

    if (http_call(&peer, request, ctl->arena, &response) != EHR_OK) {
        (void) output_failure(ctl->server, response.error);
        return NULL;
    }

    if (response.status < 200 || response.status > 299) {
        (void) output_problem(ctl, response.status, response.body);
        return NULL;
    }

    answer = json_loadb(response.body.data, response.body.len,
                        JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(answer)) {
        (void) output_failure(ctl->server, "the answer is no JSON object");
        json_decref(answer);
        return NULL;
    }

    return answer;
}


const char *
ehrctl_text(const json_t *object, const char *name)
{
    const char  *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}
