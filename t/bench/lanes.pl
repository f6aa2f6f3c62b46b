#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What a partner that is down costs the others, in one run: claims go to a
# partner that is up in one window and down in the next, check-ins to one that
# is always up.  Prints the rate of accepted claims and the time of check-ins
# with their partner's answer, and the ratios of down to up.
#
#   EHR_BENCH_WINDOWS      windows of each kind, 4
#   EHR_BENCH_SECONDS      length of a window, 3

use strict;
use warnings;

use FindBin qw($Bin);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);

use lib "$Bin/../lib";
use EHR::Document;
use EHR::Load;
use EHR::Report qw(median);
use EHR::Sim;
use EHR::Util qw(build slurp spew wait_for);
use EHR::World;

use constant { FACILITY => "99001", CONNECTIONS => 8 };

my $windows = $ENV{EHR_BENCH_WINDOWS} || 4;
my $seconds = $ENV{EHR_BENCH_SECONDS} || 3;

Test::More->builder->output(\my $tap);

my %accounts = (FACILITY, { username => "99001_BV",
                            password => "mat-khau-1" });
my $plugin = build() . "/plugins/insurance.so";
my $world = EHR::World->new(workers => 2, log_level => "notice",
    routes => [ "claim other", "checkin insurance" ]);
my $dir = $world->dir;

$world->{o}{partner} = "retry=1s,1m;\n    ehr_partner other plugin=$plugin"
    . " location=/other accounts=$dir/partners/insurance.accounts"
    . " retry=1s,1m";

my $other = EHR::Sim->new(dir => "$dir/sim/other", pki => $world->pki,
    log => "$dir/logs/sim-other.log", accounts => \%accounts)->start;

# The second partner's files are the first one's with another name and port.

sub copy_partner {
    for my $part ("upstream", "location") {
        my $text = slurp("$dir/partners/insurance.$part");
        $text =~ s/\binsurance\b/other/g;
        $text =~ s/(server 127\.0\.0\.1):\d+/"$1:" . $other->port/e;
        spew("$dir/partners/other.$part", $text);
    }
}

{
    no warnings "redefine";
    my $write = \&EHR::World::_write_partner;
    *EHR::World::_write_partner = sub { $write->(@_); copy_partner() };
}

$world->start;
$world->enrol(FACILITY);
my $client = $world->client(FACILITY);


sub checkins {
    my ($until) = @_;

    my @ms;
    while (time() < $until) {
        my $begun = time();
        my $res = $world->submit($client,
            EHR::Document->checkin(facility => FACILITY),
            "Prefer" => "wait=10");
        die "a check-in was not accepted\n" unless $res->status == 200;
        push @ms, 1000 * (time() - $begun);
    }

    return @ms;
}


sub window {
    my ($row, @options) = @_;

    my $load = EHR::Load->new($world, claim => { only => ["XML1"] },
        options => [ "--seconds", $seconds, @options ])->start;
    my @ms = checkins(time() + $seconds * 0.9);
    my $result = $load->wait;

    push @{$row->{rate}}, $result->{rate};
    push @{$row->{ms}}, median(@ms);

    return;
}


my (%closed, %open);

for (1 .. $windows) {
    for my $is (qw(up down)) {
        $is eq "up" ? $other->pid || $other->start : $other->stop;
        window($closed{$is} ||= {}, "--connections", CONNECTIONS);
        window($open{$is} ||= {}, "--rate", 100);
    }
}

printf "%-34s %10s %10s %8s\n", "", "up", "down", "ratio";
for my $row ([ "claims accepted a second", \%closed, "rate" ],
             [ "check-in beside 100 claims/s, ms", \%open, "ms" ],
             [ "check-in beside full load, ms", \%closed, "ms" ])
{
    my ($name, $of, $what) = @$row;
    my @m = map { median(@{$of->{$_}{$what}}) } qw(up down);
    printf "%-34s %10.1f %10.1f %8.2f\n", $name, @m, $m[1] / $m[0];
}

$other->stop;
my $is_clean = $world->finish;
done_testing();
exit($is_clean ? 0 : 1);
