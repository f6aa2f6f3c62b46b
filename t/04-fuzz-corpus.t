#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause

# What fuzzing has taught (t/fuzz/corpus/) stays true: every unit is gone
# through by its target (t/fuzz/, docs/fuzzing.md) without a crash, a broken
# promise or more CPU than a unit may take.  Needs no fuzzer.

use strict;
use warnings;

use File::Basename qw(basename);
use Test::More;

use EHR::Util qw(build top);

# What a person could still read, and a clone carry.
use constant UNIT_MAX   => 40_000;
use constant CORPUS_MAX => 700_000;

my $corpus = top() . "/t/fuzz/corpus";
my $total = 0;

for my $folder (sort glob("$corpus/*")) {
    my $target = basename($folder);
    my $program = build() . "/t/fuzz/$target";
    my @units = sort glob("$folder/*");

    # units of a validator that is not built
    next if ! -e top() . "/t/fuzz/fuzz_$target.c"
        && ! -d top() . "/plugins/$target";

    $total += -s $_ for @units;

    subtest $target => sub {
        cmp_ok(scalar @units, ">", 0, "has units");
        is_deeply([grep { -s $_ > UNIT_MAX } @units], [],
            "none is too large");

        my $pid = open(my $out, "-|");
        die "cannot fork: $!" unless defined $pid;

        if ($pid == 0) {
            open(STDERR, ">&", \*STDOUT);
            exec($program, @units) or exit(127);
        }

        my @said = <$out>;
        close($out);

        ok($? == 0, "goes through " . @units . " units")
            or diag("status $?, the last is the culprit\n",
                @said > 20 ? @said[-20 .. -1] : @said);
    };
}

cmp_ok($total, "<", CORPUS_MAX, "the corpus is small");

done_testing();
