#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Who waits is woken by the result, whichever worker has it, and by newer
# content of the same key; thousands who wait cost next to no CPU time, and
# each of them gets its answer.  EHR_WAITERS=10000 for more of them.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id clients submit_all seen);
use EHR::Document;
use EHR::Load;
use EHR::Util qw(build is_sanitized slurp wait_for);
use EHR::World;

use constant {
    WINDOW_SEC  => 2,
    CONNECT_SEC => 300,
    PAIRS       => 24,
    SURE        => 2000,

    # All at once would be more than the queue of the work takes: 503.
    RATE        => 500,

    # CPU time, of a second; a client that waits may not take more than
    # these microseconds each second.
    EACH_US     => 10,
    FLOOR_US    => 10_000,
};

my $waiters = $ENV{EHR_WAITERS} || (is_sanitized() ? 200 : 2000);

# Room for all of them in one worker: the kernel does not share them out.

{
    package Wide;

    our @ISA = ("EHR::World");

    sub _write_conf {
        my ($self) = @_;

        $self->SUPER::_write_conf;
        EHR::Util::spew($self->dir . "/nginx.conf", $self->conf
            =~ s/worker_connections \d+/worker_connections 18000/r);

        return;
    }
}

my $world = Wide->new(
    workers      => 2,
    main         => "worker_rlimit_nofile 20000;",
    partner      => "retry=5s,10s concurrency=16",
    read_timeout => "600s",

    # All are connected before the first one sends.
    gateway      => "client_header_timeout 300s;",
);

$world->start;
$world->enrol("99001");

my $sim = $world->sim;
my $client = $world->client("99001");


sub checkin { return EHR::Document->checkin(facility => "99001", @_) }


sub waits {
    my ($event) = @_;

    return $world->metric("ehr_waits_total{event=\"$event\"}");
}


sub wakeups {
    my ($by, $where) = @_;

    return ($where || $world)->metric("ehr_wait_wakeups_total{by=\"$by\"}");
}


# Answers with 200 that clients of two workers get for one document each.

sub answered {
    my ($where) = @_;

    my @clients = clients($where, "99001", PAIRS);

    $where->sim->mode("slow", delay_ms => 50);
    my @answers = submit_all($where, \@clients, [ map { checkin() } @clients ],
                             "Prefer" => "wait=60");
    $where->sim->mode("normal");
    $_->close for @clients;

    return scalar(grep { $_ && $_->status == 200 } @answers);
}


# Written, not read: who waits gets its answer later.

sub begin_wait {
    my ($one, $doc) = @_;

    my $begun = waits("begun");
    my ($head, $body) = $one->request_bytes("POST", "/v1/documents",
        headers => [ "Authorization" => "Bearer $client->{token}",
                     "Content-Type" => $doc->type, "Prefer" => "wait=60" ],
        body => $doc->bytes);

    $one->connect->write($head . $body);

    return wait_for(10, sub { waits("begun") > $begun });
}


# --- newer content ----------------------------------------------------------

$client->{token} = $world->token($client);
$sim->mode("http-503", count => 1);

my $key = "99001-" . time();
my $patient = $world->client("99001");

ok(begin_wait($patient, checkin(key => $key)), "a client waits");
ok(wait_for(10, sub { seen($sim) }), "its document does not get through");

my $newer = accepted_id($world->submit($client, checkin(key => $key)));

my $res = $patient->read_response(timeout => 20);

is_deeply([ $res && $res->status,
            $res && $res->json->{deliveries}[0]{state} ],
          [ 200, "superseded" ],
          "newer content of the same key ends its wait");
$patient->close;

# The older one is with the partner; it comes back, and is not sent again.

ok($world->wait_settled($client, $newer), "the newer one goes out");

my $seen = seen($sim);

$sim->mode("hang", count => 1);
$key = "99001-" . time() . "-2";
ok(begin_wait($patient, checkin(key => $key)), "a client waits");
ok(wait_for(10, sub { seen($sim) > $seen }), "its document is out");

accepted_id($world->submit($client, checkin(key => $key)));
$sim->stop;
$sim->start;

$res = $patient->read_response(timeout => 20);

is_deeply([ $res && $res->status,
            $res && $res->json->{deliveries}[0]{state} ],
          [ 200, "superseded" ],
          "an attempt that ends after newer content came ends the wait");
$patient->close;


# --- another worker's result ------------------------------------------------

# One connection belongs to one worker; whoever has room delivers.

is(answered($world), PAIRS, "many wait for what two workers deliver");
cmp_ok(wakeups("event"), ">", 0, "they are told by an event");
is(wakeups("look"), 0, "and nobody had to look");


# --- thousands --------------------------------------------------------------

sub cpu_us {
    my $ns = 0;

    for my $pid ($world->workers) {
        $ns += (split / /, slurp($_))[0]
            for glob("/proc/$pid/task/*/schedstat");
    }

    return $ns / 1000;
}


sub cpu_of_a_second {
    my $before = cpu_us();

    sleep(WINDOW_SEC);

    return (cpu_us() - $before) / WINDOW_SEC;
}


sub resident_kb {
    my $kb = 0;

    for my $pid ($world->workers) {
        $kb += $1 if slurp("/proc/$pid/smaps_rollup") =~ /^Pss:\s+(\d+)/m;
    }

    return $kb;
}

$client->close;
$sim->mode("hang");
sleep(0.5);

my $idle_us = cpu_of_a_second();
my $idle_kb = resident_kb();
my ($begun, $answered, $over) = map { waits($_) } qw(begun answered over);

my $load = EHR::Load->new($world,
    options => [ "--connections", $waiters, "--requests", $waiters,
                 "--rate", RATE, "--retry", 1000,
                 "--header", "Prefer: wait=60", "--timeout", 60_000,
                 "--expect-status", 200, "--expect-status", 202 ]);
$load->start;

ok(wait_for(CONNECT_SEC, sub { waits("begun") - $begun >= $waiters }),
   "$waiters clients wait");

my $kb = resident_kb();
my $us = cpu_of_a_second();

note(sprintf("CPU of a second: idle %.0f us, %d waiting %.0f us; "
             . "%.1f kB each", $idle_us, $waiters, $us,
             ($kb - $idle_kb) / $waiters));

cmp_ok($us, "<", $idle_us + FLOOR_US + EACH_US * $waiters,
       "their waiting costs next to no CPU time");
is(waits("over") - $over, 0, "nobody's time is over");

# Hanging connections end with the partner.
$sim->stop;
$sim->start;
$sim->mode("normal");

my $result = $load->wait;

is($load->status, 0, "each of them is answered") or diag(explain($result));

# More than these a partner does not take within the minute that waits last.
my $settled = waits("answered") - $answered;

cmp_ok($settled, ">=", $waiters < SURE ? $waiters : SURE,
       "after the partner's word");
is(scalar(grep { $_->{status} == 200 } $load->ledger), $settled,
   "that many have it");
is($settled + waits("over") - $over, $waiters, "and nobody is forgotten");
is(wakeups("look"), 0, "told by events alone");

$world->finish;


# --- without events ---------------------------------------------------------

{
    local $ENV{LD_PRELOAD} = build() . "/t/no_eventfd.so";
    my $deaf = EHR::World->new(partner => "retry=50ms,1s concurrency=16");

    $deaf->start;
    $deaf->enrol("99001");

    is(answered($deaf), PAIRS, "without events all are answered too");
    is(wakeups("event", $deaf), 0, "there were none");
    cmp_ok(wakeups("look", $deaf), ">", 0, "so the workers looked");

    $deaf->finish;
}

done_testing();
