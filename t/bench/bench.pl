#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# "make bench": what accepting a document costs, beside a stock nginx that
# does nothing but mutual TLS and proxy_pass, in the same run on the same
# machine with the same client.  All servers are up all the time and take
# turns window by window, so that a slow minute hits all rows alike; a cell is
# the median of its windows.  Prints the tables and puts them into
# docs/benchmarks.md.
#
#   EHR_BENCH_WINDOWS      windows of each row, 5
#   EHR_BENCH_SECONDS      length of a window, 3
#   EHR_BENCH_CONNECTIONS  clients at once, 16
#   EHR_BENCH_DOCUMENT     the file to write, docs/benchmarks.md; "-": none

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use FindBin qw($Bin);
use JSON::PP ();
use List::Util qw(sum);
use POSIX qw(strftime);
use Test::More;

use lib "$Bin/../lib";
use EHR::Idle;
use EHR::Proxy;
use EHR::Report qw(machine median replace spread table);
use EHR::Util qw(build run slurp spew top wait_for);
use EHR::World;

use constant {
    WARMUP_SEC    => 0.5,
    STAGE_DOCS    => 300,
    DELIVER_DOCS  => 1000,
    DELIVER_SEC   => 120,
    OPEN_RATE     => 200,
    IDLE          => 3000,
    MANY          => 64,
    FACILITY      => "99001",
    KEY           => "99001-000000000000000",
    UNLIMITED     => "1000000r/s burst=1000000",
};

my $windows = $ENV{EHR_BENCH_WINDOWS} || 5;
my $seconds = $ENV{EHR_BENCH_SECONDS} || 3;
my $connections = $ENV{EHR_BENCH_CONNECTIONS} || 16;
my $document = $ENV{EHR_BENCH_DOCUMENT} || top() . "/docs/benchmarks.md";

# The harness speaks TAP; this is no test, but its last word counts.

Test::More->builder->output(\my $tap);

my $dir = build() . "/bench";
remove_tree($dir);
make_path($dir);


# --- documents --------------------------------------------------------------

my @sizes = (
    { name => "XML1 alone", options => [ "--sections", 1 ] },
    { name => "seven sections", options => [] },
    { name => "sixty more drugs", options => [ "--drugs", 60 ] },
);

for my $i (0 .. $#sizes) {
    my $size = $sizes[$i];

    $size->{path} = "$dir/claim.$i.xml";
    spew($size->{path}, run($^X, top() . "/t/samples/make-claim.pl",
         "--facility", FACILITY, "--lk", KEY, @{$size->{options}}));
    $size->{title} = sprintf("%.0f kB, %s", (-s $size->{path}) / 1000,
                             $size->{name});
}

my $usual = $sizes[1];


# --- servers ----------------------------------------------------------------

# The gateway role alone, as where the courier is an nginx of its own: what is
# accepted waits in the journal.

{
    package Gateway;

    our @ISA = ("EHR::World");

    sub _write_conf {
        my ($self) = @_;

        $self->SUPER::_write_conf;

        my $path = $self->dir . "/nginx.conf";
        EHR::Util::spew($path, $self->conf =~ s/ehr_courier;/return 404;/r);

        return;
    }
}

sub world {
    my ($class, %o) = @_;

    my $world = $class->new(workers => 1, log_level => "notice", sim => 0,
                            rate => UNLIMITED, %o);
    $world->start;
    $world->enrol(FACILITY);

    return $world;
}

my $accept = world("Gateway");
my $silent = world("Gateway", validators => [ "claim plugin=" . build()
                                               . "/t/plugins/odd-NONE.so" ]);
my $no_redis = world("Gateway", redis => 0, rate => "off");
my $deliver = world("EHR::World", sim => 1);
my $proxy = EHR::Proxy->new(dir => "$dir/proxy", pki => $accept->pki)->start;

sub url {
    my ($server) = @_;

    my $port = $server == $proxy ? $proxy->port : $server->port("gateway");

    return "https://127.0.0.1:$port/v1/documents";
}


# --- measuring --------------------------------------------------------------

sub load {
    my ($server, $size, @options) = @_;

    my $pki = $accept->pki;
    my $query = @options && $options[0] =~ /^\?/ ? shift @options : "";
    my @accounts = ($server->workers,
        $server == $proxy ? () : $server->redis_pid || ());

    my $said = run(build() . "/ehr-load", "--json",
        "--ca", "$pki/server-ca.pem",
        "--cert", "$pki/" . FACILITY . ".pem",
        "--key", "$pki/" . FACILITY . ".key",
        ($server == $proxy ? () : "--fetch-token"),
        (map { ("--account", $_) } @accounts),
        "--template", $size->{path}, @options, url($server) . $query);

    return JSON::PP->new->decode($said);
}


sub window {
    my ($row) = @_;

    my $result = load($row->{server}, $row->{size}, @{$row->{options} || []},
        "--connections", $connections, "--seconds", $seconds,
        "--warmup", WARMUP_SEC);

    my $answers = $result->{answers};
    my ($worker, $redis) = @{$result->{cpu}};

    push @{$row->{cpu}}, $worker->{answer_us};
    push @{$row->{loop}}, $worker->{main_us} / $answers;
    push @{$row->{threads}}, $worker->{others_us} / $answers;
    push @{$row->{redis}}, $redis ? $redis->{answer_us} : 0;
    push @{$row->{rate}}, $result->{rate};
    push @{$row->{$_}}, $result->{latency_us}{$_} / 1000 for qw(p50 p99);

    return;
}


# CPU of all workers, in microseconds, of all their threads.

sub cpu_us {
    my ($world) = @_;

    my $ns = 0;

    for my $pid ($world->workers) {
        $ns += (split / /, slurp($_))[0]
            for glob("/proc/$pid/task/*/schedstat");
    }

    return $ns / 1000;
}


# Accepting and delivering cannot be told apart while both go on: this window
# ends when the partner has everything.

sub deliver_window {
    my ($row) = @_;

    my $had = $deliver->sim->stats->{documents};
    my $cpu = cpu_us($deliver);
    my $result = load($deliver, $row->{size}, "--connections", $connections,
                      "--requests", DELIVER_DOCS);

    wait_for(DELIVER_SEC, sub {
        return $deliver->sim->stats->{documents} >= $had + DELIVER_DOCS;
    }) or die "the deliveries did not end\n";

    push @{$row->{cpu}}, (cpu_us($deliver) - $cpu) / DELIVER_DOCS;
    push @{$row->{rate}}, $result->{rate};
    push @{$row->{$_}}, $result->{latency_us}{$_} / 1000 for qw(p50 p99);

    return;
}


# How many clients the journal can carry: a validator that says nothing, many
# clients, and beside it SQLite alone with the same records and as many of
# them in a transaction.

my %journal;


sub journal_waits_ms {
    my ($lines) = @_;

    my @ms = sort { $a <=> $b }
             map { /"document":"[^"]/ && /journal\W+(\d+)/ ? $1 / 1000 : () }
             split(/\n/, $lines);

    return map { $ms[int($_ * $#ms)] } 0.5, 0.99;
}


sub journal_window {
    my $logged = length $silent->log("access");
    my @names = qw(ehr_store_commits_total ehr_store_operations_total);
    my @before = map { $silent->metric($_) } @names;

    my $result = load($silent, $usual, "--connections", MANY,
                      "--seconds", $seconds, "--warmup", WARMUP_SEC);

    my ($commits, $operations) = map { $silent->metric($names[$_])
                                       - $before[$_] } 0, 1;
    my $batch = $operations / $commits;
    my ($p50, $p99) = journal_waits_ms(substr($silent->log("access"),
                                              $logged));

    unlink glob("$dir/bare.sqlite*");

    my $bare = JSON::PP->new->decode(run(build() . "/ehr-bare",
        $silent->journal, "$dir/bare.sqlite", sprintf("%.0f", $batch)));
    my @bare_ms = map { $bare->{commit_us}{$_} / 1000 } qw(p50 p99);

    push @{$journal{ours}}, [ $result->{rate}, $batch, $p50, $p99 ];
    push @{$journal{bare}}, [ $bare->{rate}, sprintf("%.0f", $batch),
                              @bare_ms ];
    push @{$journal{share}}, $result->{rate} / $bare->{rate};

    return;
}


# One client, nothing waits for anything: what each stage takes.

sub stages {
    my ($size) = @_;

    my $before = length $accept->log("access");
    my %us;

    load($accept, $size, "--requests", STAGE_DOCS);

    for my $line (split(/\n/, substr($accept->log("access"), $before))) {
        next unless $line =~ m{"uri":"/v1/documents"};

        my $entry = JSON::PP->new->decode($line);
        my $stages = JSON::PP->new->decode($entry->{stages_us});

        push @{$us{$_}}, $stages->{$_} for keys %$stages;
        push @{$us{""}}, sum(values %$stages);
    }

    return { map { $_ => median(@{$us{$_}}) } keys %us };
}


# --- rows -------------------------------------------------------------------

my (@pairs, @rows);

for my $size (@sizes) {
    my $pair = {
        size  => $size,
        stock => { server => $proxy, size => $size },
        ours  => { server => $accept, size => $size },
    };

    push @pairs, $pair;
    push @rows, $pair->{stock}, $pair->{ours};
}

my %other = (
    no_redis => { server => $no_redis, size => $usual },
    validate => { server => $accept, size => $usual,
                  options => [ "?validate_only=true" ] },
    open_stock => { server => $proxy, size => $usual,
                    options => [ "--rate", OPEN_RATE ] },
    open_ours => { server => $accept, size => $usual,
                   options => [ "--rate", OPEN_RATE ] },
);
my $delivered = { size => $usual };

for my $n (1 .. $windows) {
    print STDERR "window $n of $windows\n";
    window($_) for @rows, map { $other{$_} } sort keys %other;
    deliver_window($delivered);
    journal_window();
}

my @stage_times = map { stages($_) } @sizes;


# --- tables -----------------------------------------------------------------

sub cells {
    my ($row) = @_;

    return (spread(@{$row->{cpu}}), sprintf("%.0f", median(@{$row->{rate}})),
            map { sprintf("%.1f", median(@{$row->{$_}})) } qw(p50 p99));
}


sub ratio {
    my ($row, $stock) = @_;

    return sprintf("%.1f", median(@{$row->{cpu}}) / median(@{$stock->{cpu}}));
}


sub main_table {
    my @table;

    for my $pair (@pairs) {
        my ($stock, $ours) = @$pair{qw(stock ours)};
        my $title = $pair->{size}{title};

        push @table, [ "$title: stock proxy", cells($stock), "1" ],
            [ "$title: **accepted**", cells($ours),
              "**" . ratio($ours, $stock) . "**" ];
    }

    return table([ "claim", "CPU µs a request", "requests/s", "p50 ms",
                   "p99 ms", "× stock" ], @table);
}


sub parts_table {
    my @table = map {
        my $row = $_->{ours};
        [ $_->{size}{title},
          map { sprintf("%.0f", median(@{$row->{$_}})) }
              qw(loop threads redis) ]
    } @pairs;

    return table([ "claim", "event loop µs", "threads µs",
                   "Redis' own µs" ], @table);
}


# A title, a row, and the row it is compared with where that is another.

sub variants_table {
    my $stock = $pairs[1]{stock};
    my @variants = (
        [ "stock proxy", $stock ],
        [ "everything, accepted only", $pairs[1]{ours} ],
        [ "without the rate limit in Redis", $other{no_redis} ],
        [ "`validate_only`: without journal and receipt",
          $other{validate} ],
        [ "everything, and delivered to the simulator", $delivered ],
        [ "stock proxy, " . OPEN_RATE . "/s on a fixed schedule",
          $other{open_stock}, $other{open_stock} ],
        [ "accepted, " . OPEN_RATE . "/s on a fixed schedule",
          $other{open_ours}, $other{open_stock} ],
    );

    return table([ $usual->{title}, "CPU µs a request", "requests/s",
                   "p50 ms", "p99 ms", "× stock" ],
                 map { [ $_->[0], cells($_->[1]),
                         ratio($_->[1], $_->[2] || $stock) ] } @variants);
}


sub journal_cells {
    my ($rows) = @_;

    my ($rate, $batch, $p50, $p99) =
        map { my $i = $_; median(map { $_->[$i] } @$rows) } 0 .. 3;

    return (sprintf("%.0f", $rate), sprintf("%.1f", $batch),
            sprintf("%.2f", $p50), sprintf("%.2f", $p99),
            sprintf("%.1f", $p99 / $p50));
}


sub journal_table {
    return table([ $usual->{title}, "documents/s", "documents a commit",
                   "p50 ms", "p99 ms", "p99 / p50" ],
        [ "gateway, its journal's stage", journal_cells($journal{ours}) ],
        [ "SQLite alone, its commit", journal_cells($journal{bare}) ],
        [ "**gateway / SQLite alone**",
          sprintf("**%.2f**", median(@{$journal{share}})), ("") x 4 ]);
}


# Memory of connections that are kept alive and say nothing.

sub idle_table {
    my $pki = $accept->pki;
    my %o = (pki => $pki, cert => FACILITY, connections => IDLE);
    my $token = $accept->token(FACILITY);
    my $stock = EHR::Idle::bytes_each(%o, port => $proxy->port,
                                      workers => [ $proxy->workers ]);
    my $ours = EHR::Idle::bytes_each(%o, port => $accept->port("gateway"),
        workers => [ $accept->workers ],
        headers => "Authorization: Bearer $token\r\n");

    return table([ "", "bytes each" ],
        [ "stock proxy", sprintf("%.0f", $stock) ],
        [ "gateway", sprintf("%.0f", $ours) ],
        [ "**more than stock**", sprintf("**%.0f**", $ours - $stock) ]);
}


sub stages_table {
    my %all = map { $_ => 1 } map { keys %$_ } @stage_times;
    delete $all{""};

    my @names = sort { $stage_times[1]{$b} <=> $stage_times[1]{$a} }
                grep { defined $stage_times[1]{$_} } keys %all;

    return table([ "stage", map { $_->{title} } @sizes ],
        (map { my $name = $_;
               [ $name, map { sprintf("%.0f", $_->{$name} || 0) }
                            @stage_times ] } @names),
        [ "**all**", map { sprintf("**%.0f**", $_->{""}) } @stage_times ]);
}


# What validation does with a document, alone and without a server, beside
# libxml2's parser with nobody listening: t/unit/test_cost.c.

sub validation_table {
    my (@names, @sizes_of, %cell);

    for my $line (split(/\n/, run(build() . "/t/unit/test_cost"))) {
        my ($bytes, $name, $value) = $line =~ /^cost\t(\d+)\t(.+)\t(.+)$/
            or next;

        push @names, $name if !grep { $_ eq $name } @names;
        push @sizes_of, $bytes if !grep { $_ == $bytes } @sizes_of;
        $cell{$name}{$bytes} = $value;
    }

    die "test_cost says nothing\n" if !@sizes_of;

    return table([ "CPU µs", map { sprintf("%.0f kB", $_ / 1000) } @sizes_of ],
        map { my $name = $_; [ $name, @{$cell{$name}}{@sizes_of} ] } @names);
}


my $text = join("\n",
    strftime("Measured on %Y-%m-%d", gmtime) . " on this machine, shared by "
        . "the client and all servers:\n",
    (map { "- $_" } machine()), "",
    "$windows windows of $seconds s for each row, $connections connections "
        . "with keep-alive, one worker;", "median (least–most).\n",
    "### The accept path beside a stock proxy\n", main_table(),
    "### Where the CPU time is spent\n", parts_table(),
    "### With and without\n", variants_table(),
    "### The journal beside SQLite alone\n",
    MANY . " clients, a validator that says nothing:\n",
    journal_table(),
    "### Idle connections\n",
    IDLE . " with a client certificate, kept alive after one request; private "
        . "memory of the worker:\n",
    idle_table(),
    "### Stages\n",
    "Microseconds from a stage's beginning to the next one's, one client "
        . "alone, median of " . STAGE_DOCS . ":\n",
    stages_table(),
    "### Where validation's time goes\n",
    "Claims without a server, CPU time of the best of several rounds:\n",
    validation_table());

print $text;
replace($document, $text) unless $document eq "-";

$proxy->stop;

my $is_clean = 1;
$is_clean &&= $_->finish for $accept, $silent, $no_redis, $deliver;
done_testing();

print STDERR $tap unless $is_clean;
