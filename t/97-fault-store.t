#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The store on a disk that fails: whichever call on its files fails, once or
# from then on, what was acknowledged is there after a crash, and what was
# told "later" is not, unless the store said that nobody knows.  A writer
# that is killed at any such call leaves a whole journal.

use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Fault qw(journal);
use EHR::Util qw(build is_sanitized run slurp);

use constant COUNT => 24;

my $dir = build() . "/t/run/97-fault-store.$$";
my $fault;

END { remove_tree($dir) if Test::More->builder->is_passing }

# A journal with something in it, copied for every turn.

make_path("$dir/seed");
my ($status, $said) = journal("write", "$dir/seed/journal.db", 9, 6);
is($status, 0, "a journal") or diag($said);


# Writes under a plan; gives the ledger.

sub write_under {
    my ($plan) = @_;

    remove_tree("$dir/j");
    make_path("$dir/j");
    copy($_, "$dir/j/") or die "copy: $!" for glob("$dir/seed/*");

    $fault = EHR::Fault->new(dir => "$dir/j", plan => "$dir/plan");
    $fault->plan($plan);

    my (undef, $ledger) = $fault->run_with(sub {
        return journal("write", "$dir/j/journal.db", 1, COUNT);
    });

    return $ledger;
}


# Each plan with each N; what the words of all ledgers came to.

sub survives {
    my ($plan, @turns) = @_;

    my %words;
    my @wrong;
    my $hits = 0;

    for my $nth (@turns) {
        my $ledger = write_under($plan =~ s/N/$nth/r);
        my ($bad, $what) = journal("check", "$dir/j/journal.db", 0,
                                   \$ledger);

        $hits++ if $fault->hits;
        $words{$_}++ for $ledger =~ /^(\w+) /mg;
        push @wrong, "N=$nth: $what" if $bad;
    }

    ok(!@wrong, "$plan: as the ledger says") or diag(@wrong);
    cmp_ok($hits, ">=", @turns / 2, "$plan: it happened");
    note("$plan: ", join(" ", map { "$_=$words{$_}" } sort keys %words));

    return \%words;
}


my @few = is_sanitized() ? (1, 2, 4, 6, 9) : (1 .. 5, 9, 16, 30);


# --- calls that fail --------------------------------------------------------

my $words = survives("sync -wal N+ EIO", @few);
ok($words->{refused}, "an fsync that fails is told");
ok($words->{stored}, "and what was before it is there");

$words = survives("write -wal N ENOSPC", @few);
cmp_ok($words->{refused} || 0, "<", $words->{stored},
       "one failure is one failure: the next write is well");

survives("write -wal N+ ENOSPC", @few);
survives("write -wal N short", @few[0 .. 2]);
survives("any * N EIO", @few);
survives("open * N+ EMFILE", 1, 2);

survives("any -wal N+ EIO", @few);

$words = survives("sync -wal N dead", @few[0 .. 4]);
ok($words->{unknown}, "a disk that dies between write and fsync: nobody"
    . " knows, and nobody says that it is not stored");


# --- death at a call --------------------------------------------------------

survives("write -wal N kill-before", @few);
survives("write -wal N kill-after", @few);
survives("sync -wal N kill-before", @few);
survives("sync -wal N kill-after", @few);

# The database's own file is written in checkpoints only.

survives("write .db N kill-before", @few[0 .. 4]);
survives("sync .db N kill-before", 1, 2);
survives("sync .db N kill-after", 1, 2);

done_testing();
