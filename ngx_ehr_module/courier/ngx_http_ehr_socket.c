/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The courier's unix socket after a master that was killed: its file is still
 * there, nobody listens on it, and nginx would not start because of it.  Such
 * a file is removed before nginx binds; one that is listened on, or is no
 * socket, is left alone.
 */

#include "ngx_http_ehr.h"


static ngx_int_t
ngx_http_ehr_socket_is_dead(struct sockaddr *sa, socklen_t len)
{
    int           err;
    ngx_socket_t  s;

    s = ngx_socket(AF_UNIX, SOCK_STREAM, 0);

    if (s == (ngx_socket_t) -1) {
        return 0;
    }

    err = 0;

    if (ngx_nonblocking(s) == -1 || connect(s, sa, len) == -1) {
        err = ngx_socket_errno;
    }

    (void) ngx_close_socket(s);

    return err == NGX_ECONNREFUSED;
}


static void
ngx_http_ehr_socket_clean(ngx_conf_t *cf, ngx_http_conf_addr_t *addr)
{
    char              *path;
    ngx_file_info_t    fi;

    path = ((struct sockaddr_un *) addr->opt.sockaddr)->sun_path;

    if (lstat(path, &fi) == -1 || !S_ISSOCK(fi.st_mode)
        || !ngx_http_ehr_socket_is_dead(addr->opt.sockaddr,
                                        addr->opt.socklen))
    {
        return;
    }

    if (ngx_delete_file(path) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_ERR, cf->log, ngx_errno,
                      "socket \"%s\" that nobody listens on", path);
        return;
    }

    ngx_log_error(NGX_LOG_NOTICE, cf->log, 0,
                  "removed socket \"%s\": nobody listened on it", path);
}


/* Before nginx binds; a reload's sockets are listened on. */

void
ngx_http_ehr_socket_init(ngx_conf_t *cf)
{
    ngx_uint_t                  i, j;
    ngx_http_conf_port_t       *port;
    ngx_http_conf_addr_t       *addr;
    ngx_http_ehr_srv_conf_t    *scf;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (ngx_test_config || ngx_process == NGX_PROCESS_SIGNALLER
        || cmcf->ports == NULL)
    {
        return;
    }

    port = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {
        addr = port[i].addrs.elts;

        for (j = 0; j < port[i].addrs.nelts; j++) {
            scf = addr[j].default_server->ctx->srv_conf
                                           [ngx_http_ehr_module.ctx_index];

            if (scf->is_courier
                && addr[j].opt.sockaddr->sa_family == AF_UNIX)
            {
                ngx_http_ehr_socket_clean(cf, &addr[j]);
            }
        }
    }
}
