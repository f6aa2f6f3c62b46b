/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ehr-load: reads the options, runs the threads, prints what came of it.
 */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "run.h"


#define MAIN_OK      0
#define MAIN_WRONG   1
#define MAIN_BROKEN  2


typedef struct {
    run_t      run;
    pthread_t  thread;
    int        rc;
} main_share_t;


static void *
main_thread(void *data)
{
    main_share_t  *share = data;

    share->rc = run_go(&share->run);

    return NULL;
}


static int
main_run_shares(main_share_t *shares, int n)
{
    int  rc = 0, started = 1;

    for (int i = 1; i < n; i++) {
        if (pthread_create(&shares[i].thread, NULL, main_thread, &shares[i])
            != 0)
        {
            rc = -1;
            break;
        }

        started++;
    }

    (void) main_thread(&shares[0]);

    for (int i = 1; i < started; i++) {
        (void) pthread_join(shares[i].thread, NULL);
    }

    for (int i = 0; i < started; i++) {
        rc = shares[i].rc != 0 ? -1 : rc;
    }

    return rc;
}


static void
main_print_cpu(const run_t *run, const stats_t *total)
{
    double                 main_us, others_us, answers;
    const cpu_time_t      *before, *after;
    const options_list_t  *pids = &run->plan->options->pids;

    answers = total->answers > 0 ? (double) total->answers : 1;

    printf(",\"cpu\":[");

    for (int i = 0; i < pids->n; i++) {
        before = &run->cpu_before[i];
        after = &run->cpu_after[i];

        main_us = (double) (after->main_ns - before->main_ns) / 1000;
        others_us = (double) (after->others_ns - before->others_ns) / 1000;

        printf("%s{\"pid\":%s,\"main_us\":%.0f,\"others_us\":%.0f,"
               "\"answer_us\":%.2f}",
               i > 0 ? "," : "", pids->values[i], main_us, others_us,
               (main_us + others_us) / answers);
    }

    printf("]");
}


static int
main_report(const main_share_t *shares, const plan_t *plan)
{
    stats_t  total = shares[0].run.stats;

    for (int i = 1; i < plan->options->threads; i++) {
        stats_merge(&total, &shares[i].run.stats);
    }

    if (plan->options->json) {
        printf("{");
        stats_print_json(&total, stdout);
        main_print_cpu(&shares[0].run, &total);
        printf("}\n");

    } else {
        stats_print_text(&total, stdout);
    }

    return total.answers > 0 && total.unexpected == 0 && total.unanswered == 0
           ? MAIN_OK : MAIN_WRONG;
}


static int
main_load(const plan_t *plan, FILE *ledger)
{
    int            rc, n = (int) plan->options->threads;
    main_share_t  *shares;

    shares = calloc((size_t) n, sizeof(main_share_t));
    if (shares == NULL) {
        return MAIN_BROKEN;
    }

    rc = MAIN_OK;

    for (int i = 0; i < n; i++) {
        if (run_init(&shares[i].run, plan, i) != 0) {
            rc = MAIN_BROKEN;
        }

        shares[i].run.ledger = ledger;
    }

    if (rc == MAIN_OK) {
        rc = main_run_shares(shares, n) == 0 ? main_report(shares, plan)
                                             : MAIN_BROKEN;
    }

    for (int i = 0; i < n; i++) {
        run_free(&shares[i].run);
    }

    free(shares);

    return rc;
}


static int
main_with_ledger(const plan_t *plan)
{
    int          rc;
    FILE        *ledger = NULL;
    const char  *path = plan->options->ledger;

    if (path != NULL) {
        ledger = fopen(path, "w");
        if (ledger == NULL) {
            perror(path);
            return MAIN_BROKEN;
        }
    }

    rc = main_load(plan, ledger);

    if (ledger != NULL && fclose(ledger) != 0) {
        perror(path);
        return MAIN_BROKEN;
    }

    return rc;
}


int
main(int argc, char **argv)
{
    int        rc;
    plan_t     plan;
    options_t  options;

    rc = options_parse(&options, argc, argv);
    if (rc != -1) {
        return rc;
    }

    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
        return MAIN_BROKEN;
    }

    rc = plan_make(&plan, &options) == 0 ? main_with_ledger(&plan)
                                         : MAIN_BROKEN;
    plan_free(&plan);

    return rc;
}
