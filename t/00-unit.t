#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# The C unit tests (t/unit/), one by one in the same summary as all others:
# each of their sentences is one test here, and each program has to end well.
# Under EHR_VALGRIND each program runs under valgrind.

use strict;
use warnings;

use File::Basename qw(basename);
use Test::More;

use EHR::Util qw(build top);

my @sources = sort glob(top() . "/t/unit/test_*.c");
my @command = $ENV{EHR_VALGRIND}
    ? ("valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
       "--errors-for-leak-kinds=definite",
       "--suppressions=" . top() . "/conf/dev/valgrind.supp")
    : ();

$ENV{CMOCKA_MESSAGE_OUTPUT} = "TAP";

for my $source (@sources) {
    my $name = basename($source, ".c");
    my $program = build() . "/t/unit/$name";

    my $pid = open(my $out, "-|");
    die "cannot fork: $!" unless defined $pid;

    if ($pid == 0) {
        open(STDERR, ">&", \*STDOUT);
        exec(@command, $program) or exit(127);
    }

    my @said = <$out>;
    close($out);
    my $status = $?;

    my $sentences = 0;
    for my $line (@said) {
        next unless $line =~ /^(not )?ok \d+ - (\S+)/;
        ok(!$1, "$name: " . $2 =~ tr/_/ /r);
        $sentences++;
    }

    ok($status == 0 && $sentences > 0, "$name ends well")
        or diag("status $status\n", @said);
}

done_testing();
