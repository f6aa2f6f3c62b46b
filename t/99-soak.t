#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A short soak (t/soak): load while workers, the master, the partner, Redis,
# the disk and the clock fail in turn; then nothing that was acknowledged is
# lost, comes twice without need, comes out of order, or has not settled.
# "make soak" runs a longer one; EHR_SOAK_SECONDS=0 none.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Util qw(build is_sanitized slurp);
use JSON::PP ();

use constant LEAST_RATE => 5;

my $seconds = defined $ENV{EHR_SOAK_SECONDS} ? $ENV{EHR_SOAK_SECONDS}
            : is_sanitized() ? 60 : 120;

plan(skip_all => "EHR_SOAK_SECONDS=0") unless $seconds;

my $dir = build() . "/t/soak";
my $log = build() . "/t/soak.log";

local $ENV{EHR_SOAK_SECONDS} = $seconds;
local $ENV{EHR_SOAK_RATE} = is_sanitized() ? 10 : 25;
local $ENV{EHR_SOAK_DIR} = $dir;

my $status = system("nice $^X -I$Bin/lib $Bin/soak/soak.pl >$log 2>&1");

my $summary = eval { JSON::PP->new->decode(slurp("$dir/summary.json")) } || {};

is($status, 0, "the verdict is clean") or diag(slurp($log));
is($summary->{$_}, 0, "$_: 0") for qw(lost repeated stuck order alien wrong);
is($summary->{integrity}, "ok", "the journal is whole");

cmp_ok($summary->{acknowledged} || 0, ">", LEAST_RATE * $seconds,
       "while that much was acknowledged");
cmp_ok($summary->{states}{superseded} || 0, ">", 0,
       "and some of it superseded");

for my $what ([ kill => 2 ], [ partner => 4 ], [ standin => 5 ],
              [ reload => 20 ],
              [ clock => 20 ], [ redis => 25 ], [ disk => 30 ],
              [ upgrade => 40 ], [ crash => 65 ])
{
    my ($name, $every) = @$what;

    cmp_ok($summary->{chaos}{$name} || 0, ">=", int($seconds / $every / 2),
           "$name: often enough");
}

note(slurp($log));

done_testing();
