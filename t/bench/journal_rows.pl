#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# "make bench-journal ROWS=1000000": what a full journal costs.  Two gateways
# with their couriers, one with an empty journal and one with ROWS documents
# in it, take turns; then the full one is restarted and asked for documents.
# Prints a table and puts it into docs/benchmarks.md.
#
#   ROWS                   documents in the full journal
#   EHR_BENCH_WINDOWS      windows of each gateway, 7
#   EHR_BENCH_DOCUMENT     the file to write, docs/benchmarks.md; "-": none
#
# The exit status is 1 when a figure is not what architecture.md 6 promises.

use strict;
use warnings;

use FindBin qw($Bin);
use JSON::PP ();
use List::Util qw(sum);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use lib "$Bin/../lib";
use EHR::Fault qw(journal);
use EHR::Load;
use EHR::Report qw(median replace table);
use EHR::Util qw(build run slurp top wait_for);
use EHR::World;

use constant {
    DOCUMENTS => 400,
    READS     => 30,
    START_SEC => 10,
    GET_MS    => 5,
    LIST_MS   => 50,
    RATIO     => 0.9,
    TICKS     => POSIX::sysconf(&POSIX::_SC_CLK_TCK),
};

my $rows = $ENV{ROWS} || 1_000_000;
my $windows = $ENV{EHR_BENCH_WINDOWS} || 7;
my $document = $ENV{EHR_BENCH_DOCUMENT} || top() . "/docs/benchmarks.md";
my @slow;

Test::More->builder->output(\my $tap);


# --- the two gateways -------------------------------------------------------

sub world {
    my ($n) = @_;

    my $world = EHR::World->new(workers => 1, redis => 0,
                                partner => "retry=1s,1h");

    # One that was filled before, for who measures often.
    if ($n && $ENV{EHR_BENCH_JOURNAL}) {
        rename($ENV{EHR_BENCH_JOURNAL} . $_, $world->journal . $_)
            for "", ".lock";

    } elsif ($n) {
        my ($bad, $said) = journal("fill", $world->journal, $n);
        die "the journal cannot be filled: $said" if $bad;
    }

    $world->start;
    $world->enrol("99001");

    return $world;
}


# CPU of the worker, in microseconds.

sub cpu {
    my ($world) = @_;

    my ($pid) = $world->workers;
    my @stat = split(" ", slurp("/proc/$pid/stat") =~ s/^.*\) //sr);

    return ($stat[11] + $stat[12]) / TICKS * 1e6;
}


# Accepts and delivers; gives documents a second and CPU for each.

sub window {
    my ($world) = @_;

    my $before = $world->sim->stats->{distinct_sha256} || 0;
    my $cpu = cpu($world);
    my $began = time();

    my $load = EHR::Load->new($world, claim => { only => [ "XML1" ] },
        options => [ "--connections", 8, "--requests", DOCUMENTS ]);
    $load->start;
    $load->wait;
    die "a request failed" if $load->status;
    my $accepted = time();

    wait_for(60, sub {
        return $world->sim->stats->{distinct_sha256} - $before >= DOCUMENTS;
    }) or die "not all was delivered";

    return {
        accept => DOCUMENTS / ($accepted - $began),
        all    => DOCUMENTS / (time() - $began),
        cpu    => (cpu($world) - $cpu) / DOCUMENTS,
    };
}


my %world = (empty => world(0), full => world($rows));
my %seen;

window($_) for values %world;

for my $turn (1 .. $windows) {
    for my $name ($turn % 2 ? qw(empty full) : qw(full empty)) {
        push @{$seen{$name}}, window($world{$name});
    }
}

sub mid {
    my ($name, $what) = @_;

    return median(map { $_->{$what} } @{$seen{$name}});
}


# --- the full one alone -----------------------------------------------------

my $full = $world{full};
my $began = time();

$full->restart;
wait_for(60, sub {
    my $res = eval { $full->ops("/readyz") };
    return $res && $res->status == 200;
}) or die "not ready";

my $start = time() - $began;
my $client = $full->client("99001");

# The server's own time: the sum of its stages, in ms; the median.

sub served {
    my ($path) = @_;

    my $log = $full->dir . "/logs/access.log";
    my $skip = -s $log;

    for (1 .. READS) {
        my $res = $full->get($client, $path);
        die "$path: no answer" unless $res && $res->status == 200;
    }

    my $json = JSON::PP->new;
    my @ms;

    wait_for(5, sub {
        @ms = map { sum(values %{$json->decode($_->{stages_us})}) / 1000 }
              grep { $_->{uri} =~ m{^/v1/documents} }
              map { $json->decode($_) }
              split(/\n/, substr(slurp($log), $skip));
        return @ms >= READS;
    }) or die "$path: not in the log";

    return median(@ms);
}

my ($id) = run("sqlite3", "-readonly", $full->journal,
    "SELECT id FROM submissions WHERE seq = 31") =~ /(\S+)/;

my %ms = (
    "GET by id"           => [ served("/v1/documents/$id"), GET_MS ],
    "GET by business key" => [ served("/v1/documents?business_key=LK30"),
                               GET_MS ],
    "list of a state"     => [ served("/v1/documents?state=held&limit=50"),
                               LIST_MS ],
    "list, newest"        => [ served("/v1/documents?limit=50"), LIST_MS ],
);


# --- the table --------------------------------------------------------------

my $ratio = mid("empty", "cpu") / mid("full", "cpu");

push @slow, sprintf("CPU ratio %.2f", $ratio) if $ratio < RATIO;
push @slow, sprintf("start %.1f s", $start) if $start > START_SEC;
push @slow, map { "$_: $ms{$_}[0] ms" } grep { $ms{$_}[0] > $ms{$_}[1] }
            sort keys %ms;

my $text = table([ "", "empty", "$rows documents", "ratio" ],
    (map { my ($what, $name, $format) = @$_;
           [ $name, sprintf($format, mid("empty", $what)),
             sprintf($format, mid("full", $what)),
             sprintf("%.2f", $what eq "cpu" ? $ratio
                             : mid("full", $what) / mid("empty", $what)) ] }
     [ "cpu", "worker's CPU to accept and deliver one, µs", "%.0f" ],
     [ "accept", "accepted a second", "%.0f" ],
     [ "all", "accepted and delivered a second", "%.0f" ]),
    [ "restart until /readyz says 200, s", "",
      sprintf("%.1f", $start), "" ],
    map { [ "$_, ms of stages", "", sprintf("%.2f", $ms{$_}[0]), "" ] }
        sort keys %ms);

print $text;
print "TOO SLOW: $_\n" for @slow;

replace($document, $text, "make bench-journal") unless $document eq "-";

# A look at every page of the full one would take longer than all the rest.

$world{full}->stop;
unlink $world{full}->journal;
$_->finish for values %world;
done_testing();
exit(@slow ? 1 : 0);
