#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The power goes: from a record of every write and fsync of three writers the
# files are made as a disk would hold them at a moment drawn at random, with
# whole, dropped, older and torn blocks for all that was not synced.  Every
# acknowledged document is in them, readable, and nothing is half.  A disk
# that lies about its fsync is found out, so the test can fail.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use POSIX ();
use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Fault qw(journal);
use EHR::Util qw(build is_sanitized slurp);

use constant {
    WRITERS => 3,
    COUNT   => is_sanitized() ? 20 : 90,
    CUTS    => 40,
};

my $dir = build() . "/t/run/97-power-cut.$$";
# The tools leave their memory to their end.
$ENV{ASAN_OPTIONS} = "detect_leaks=0";

my $seed = $ENV{EHR_SEED} || int(rand(1_000_000)) * CUTS;

END { remove_tree($dir) if Test::More->builder->is_passing }


# Three writers at once; gives their ledgers together.

sub record {
    my ($name, $plan) = @_;

    make_path("$dir/$name");

    my $fault = EHR::Fault->new(dir => "$dir/$name", plan => "$dir/plan",
                                trace => "$dir/$name.trace");
    $fault->plan($plan) if $plan;

    my @pids = map { my $who = $_; $fault->run_with(sub {
        my $pid = fork();
        die "fork: $!" unless defined $pid;
        return $pid if $pid;

        open(STDOUT, ">", "$dir/$name.$who") or die "open: $!";
        exec(build() . "/t/fault/journal", "write", "$dir/$name/journal.db",
             $who, COUNT) or POSIX::_exit(127);
    }) } 1 .. WRITERS;

    for my $pid (@pids) {
        waitpid($pid, 0);
        is($?, 0, "$name: a writer ends well");
    }

    return join("", map { slurp("$dir/$name.$_") } 1 .. WRITERS);
}


# The journal after a cut: (is it as the ledger says?, lines that count, why)

sub cut {
    my ($name, $seed, $ledger) = @_;

    remove_tree("$dir/cut");
    make_path("$dir/cut");

    my ($bad, $said) = journal("cut", "$dir/$name.trace", "$dir/cut", $seed,
                               0);
    die "no cut: $said" if $bad;
    my ($at, $n, $of) = split(" ", $said);

    ($bad, $said) = journal("check", "$dir/cut/journal.db", $at, \$ledger);
    my ($lines) = $said =~ /^(\d+) lines/m;

    return (!$bad, $lines || 0, "seed $seed: at record $n of $of: $said");
}


my $ledger = record("true", undef);
my ($lines, @wrong) = 0;

for my $turn (0 .. CUTS - 1) {
    my ($is_good, $n, $why) = cut("true", $seed + $turn, $ledger);

    $lines += $n;
    push @wrong, $why unless $is_good;
}

note("seeds $seed to ", $seed + CUTS - 1, ": $lines promises looked at");
ok(!@wrong, "after " . CUTS . " cuts every promise is kept")
    or diag("EHR_SEED=$seed\n", @wrong);
cmp_ok($lines, ">", 10 * CUTS, "and there were promises");


# --- the same, where the disk lies ------------------------------------------

$ledger = record("lie", "sync * 1+ lie");
my $lost = 0;

for my $turn (0 .. CUTS / 4 - 1) {
    my ($is_good) = cut("lie", $seed + $turn, $ledger);
    $lost++ unless $is_good;
}

cmp_ok($lost, ">", 0, "a disk that lies is found out");

done_testing();
