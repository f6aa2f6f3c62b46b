/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * The parts of build/t/fault/journal, a program for the tests of the store
 * under faults.  Each takes its own arguments and gives an exit status.
 *
 * The ledger is lines of text, "WORD AT_NS ID SHA256":
 *
 *   stored     acknowledged: is there, with these bytes
 *   refused    told "later": is not there
 *   unknown    nothing was promised: there whole, or not at all
 *   settled    acknowledged and accepted by its partner
 */

#ifndef FAULT_H
#define FAULT_H


/* write JOURNAL WHO COUNT: stores, delivers and tidies up; its ledger goes to
 * the standard output, a line as soon as it is true. */
int fault_write(int argc, char **argv);

/* cut TRACE FOLDER SEED AT_NS: the files as a disk would hold them had the
 * power gone at that time (0: at a time drawn from the seed; it is printed).
 */
int fault_cut(int argc, char **argv);

/* check JOURNAL AT_NS < LEDGER: every line up to AT_NS (0: all) is so, and
 * the journal is whole. */
int fault_check(int argc, char **argv);


/* fill JOURNAL ROWS: that many documents, nearly all of them settled. */
int fault_fill(int argc, char **argv);


#endif /* FAULT_H */
