#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# Turns the migrations into a C header, so that a program carries the schema
# it was built for.  Prints to standard output; knows nothing of their SQL.
#
#     embed.pl 0001-journal.sql 0002-....sql > ehr_migrations.h

use strict;
use warnings;

print <<'HEAD';
/* Made by embed.pl: do not edit. */

#ifndef EHR_MIGRATIONS_H
#define EHR_MIGRATIONS_H


typedef struct {
    int          number;
    const char  *name;
    const char  *sql;
} ehr_migration_t;


static const ehr_migration_t  ehr_migrations[] = {
HEAD

my $expected = 1;

for my $file (@ARGV) {
    my ($number, $name) = $file =~ m{(?:^|/)(\d{4})-([a-z0-9-]+)\.sql$}
        or die "embed.pl: $file is not named NNNN-name.sql\n";

    $number == $expected
        or die "embed.pl: $file: migration $expected was expected\n";
    $expected++;

    open my $in, '<', $file or die "embed.pl: $file: $!\n";

    printf qq(    { %d, "%s",\n), $number, $name;

    while (my $line = <$in>) {
        chomp $line;
        next if $line =~ /^\s*(--|$)/;
        $line =~ s/([\\"])/\\$1/g;
        print qq(      "$line\\n"\n);
    }

    print "    },\n";
    close $in or die "embed.pl: $file: $!\n";
}

$expected > 1 or die "embed.pl: no migrations\n";

print <<'TAIL';
};


#endif /* EHR_MIGRATIONS_H */
TAIL

close STDOUT or die "embed.pl: $!\n";
