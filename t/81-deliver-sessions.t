#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# One session for each account, on all workers; one log-in at a time; what one
# worker learns of a session, the others know.  Somebody else's log-ins to the
# account cost time, and hold no document.

use strict;
use warnings;

use Test::More;

use Fcntl qw(F_UNLCK F_WRLCK SEEK_SET);

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(delivery attempts decisions accepted_id submit_all
    clients wait_state seen logins);
use EHR::Document;
use EHR::Util qw(wait_for);
use EHR::World;

use constant {
    WORKERS   => 4,
    DOCUMENTS => 40,
    OFD_GETLK => 36,        # of Linux, for Fcntl has no name for it
};

# Few at once in each worker, so that all of them take part.

my $world = EHR::World->new(
    workers => WORKERS,
    partner => "retry=20ms,100ms concurrency=3",
);

$world->start;
$world->enrol($_) for qw(99001 99002);

my $sim = $world->sim;
my %clients = map { $_ => [ clients($world, $_, DOCUMENTS) ] }
              qw(99001 99002);


sub all_at_once {
    my ($n, @facilities) = @_;

    my (@clients, @docs);

    for my $i (1 .. $n) {
        my $facility = $facilities[$i % @facilities];

        push @clients, $clients{$facility}[$i - 1];
        push @docs, EHR::Document->checkin(facility => $facility);
    }

    return map { $_->json } submit_all($world, \@clients, \@docs,
                                       "Prefer" => "wait=30");
}


sub states {
    my %n;

    $n{$_->{deliveries}[0]{state}}++ for @_;

    return \%n;
}


sub workers_of {
    my %workers;

    for my $document (@_) {
        my $client = $clients{$document->{facility}}[0];
        my ($attempt) = attempts($world, $client, $document->{id});

        $workers{$attempt->{worker}} = 1;
    }

    return scalar keys %workers;
}


# --- one log-in at a time ---------------------------------------------------

$sim->mode("login-slow", delay_ms => 400);

my @sent = all_at_once(DOCUMENTS, "99001");

is_deeply(states(@sent), { accepted => DOCUMENTS },
          "many at once without a session: all accepted");
is($sim->stats->{logins}, 1, "after exactly one log-in, slow as it was");
is(seen($sim), DOCUMENTS, "and one request for each");
cmp_ok(workers_of(@sent), ">", 1, "by more than one worker");

my @once = grep { $_->{deliveries}[0]{attempts} == 1 } @sent;
is(scalar(@once), DOCUMENTS, "waiting for a log-in costs no attempt");


# --- one session for each account -------------------------------------------

$sim->reset;
$sim->mode("login-slow", delay_ms => 200);

@sent = all_at_once(DOCUMENTS, "99001", "99002");

is_deeply(states(@sent), { accepted => DOCUMENTS },
          "two facilities at once: all accepted");
is($sim->stats->{logins}, 2, "two accounts, two log-ins");
is($sim->stats->{wrong_logins}, 0, "none of them wrong");

my @nameless = grep { !$_->{document_id} } $sim->received;
is(scalar(@nameless), 0, "the partner gets our id with each document");


# --- what one worker dropped, no other uses ---------------------------------

# The partner forgets the sessions; the first document of the account notices,
# logs in, and nobody after it meets the old session.

$sim->reset;
all_at_once(1, "99001");

is($sim->stats->{outcomes}{401}, 1, "an old session is refused once");

@sent = all_at_once(DOCUMENTS, "99001");

is_deeply(states(@sent), { accepted => DOCUMENTS }, "the others go out");
cmp_ok(workers_of(@sent), ">", 1, "by more than one worker");
is($sim->stats->{outcomes}{401}, 1, "and none of them is refused");
is($sim->stats->{logins}, 1, "one log-in was enough");

# Many at once meet it: refused as often as it is used meanwhile, but there
# is still one log-in.

$sim->reset;
$sim->mode("login-slow", delay_ms => 200);

@sent = all_at_once(DOCUMENTS, "99001");

is_deeply(states(@sent), { accepted => DOCUMENTS },
          "many at once with an old session: all accepted");
is($sim->stats->{logins}, 1, "one log-in");
cmp_ok($sim->stats->{outcomes}{401}, "<=", 3 * WORKERS,
       "no more used the old session than were under way");


# --- a log-in that fails is not repeated by all who waited ------------------

$sim->reset;
$sim->mode("login-http-503", count => 1);

@sent = all_at_once(DOCUMENTS, "99001");

is_deeply(states(@sent), { accepted => DOCUMENTS },
          "a log-in that failed once: all accepted in the end");
cmp_ok(logins($sim), "<=", 1 + WORKERS, "with few log-ins");


# --- somebody else logs in to the account -----------------------------------

# Another generation of this gateway, say: a binary upgrade has new shared
# memory.  Each such log-in ends our session, also one fresh from our own.

sub send_all {
    my ($n) = @_;

    my @clients = @{$clients{99001}}[0 .. $n - 1];
    my @docs = map { EHR::Document->checkin(facility => "99001") } 1 .. $n;

    return map { accepted_id($_) } submit_all($world, \@clients, \@docs);
}


my $client = $clients{99001}[0];

sub history_of {
    return map { decisions($world, $client, $_) } @_;
}


$sim->reset;

$sim->mode("expired-maketqua-401", count => 40);

my $id;
my @ids = send_all(DOCUMENTS);
my @ends = map { wait_state($world, $client, $_, qr/accepted|held/, 20) }
           @ids;

is_deeply({ map { $_->{state} => 1 } @ends }, { accepted => 1 },
          "fresh sessions are refused: all are accepted in the end");
ok((grep { $_ eq "retrying session.refused" } history_of(@ids)),
   "after some were tried again for it");
is_deeply([ grep { /^held/ } history_of(@ids) ], [],
          "and none was held meanwhile");
is($sim->stats->{duplicates}, 0, "nothing arrived twice");


# --- couriers take turns ----------------------------------------------------

# Another courier on this journal, or another generation, does not see our
# session: it must not log in before ours has brought its document through.

sub is_somebody_logging_in {
    my $flock = pack("s s x4 q q l x4", F_WRLCK, SEEK_SET, 0, 0, 0);

    open(my $file, "+<", $world->journal . ".logins") or die $!;
    fcntl($file, OFD_GETLK, $flock) or die "F_OFD_GETLK: $!";

    return (unpack("s", $flock))[0] != F_UNLCK;
}


$sim->reset;
$sim->mode("slow", count => 2, delay_ms => 1000);   # the first finds it over

($id) = send_all(1);

ok(wait_for(10, sub { $sim->stats->{documents} == 1 }),
   "logged in, and the document is with the partner");
ok(is_somebody_logging_in(), "nobody else logs in yet");
ok(wait_state($world, $client, $id, "accepted"), "it is accepted");
ok(!is_somebody_logging_in(), "now others may");
$sim->mode("normal");


# --- every fresh session is refused -----------------------------------------

# Log-ins are as rare as attempts of one document are, however many wait.

$_->close for map { @$_ } values %clients;
$world->reconfigure(
    partner => "retry=200ms,500ms concurrency=3 refused=2s");
$sim->reset;
$sim->mode("expired-403", facility => "99001");

@ids = send_all(10);

ok(wait_for(20, sub { grep { /^held session\.refused$/ } history_of(@ids) }),
   "when nothing was taken for refused=, it is held");
cmp_ok($sim->stats->{logins}, "<=", 2 * 5 + 5,
       "the account was logged in to no more often than retry= says");

my ($held) = grep { delivery($world, $client, $_)->{state} eq "held" } @ids;

is(delivery($world, $client, $held)->{partner_code}, "HTTP 403",
   "and the partner's word is shown");

# Another account does not notice; what is not held yet goes out by itself,
# and what is held after a reload.

@sent = all_at_once(3, "99002");
is_deeply(states(@sent), { accepted => 3 },
          "another facility's account does not notice");

$sim->mode("normal", facility => "99001");

for my $one (grep { delivery($world, $client, $_)->{state} ne "held" } @ids) {
    is(wait_state($world, $client, $one, qr/accepted|held/, 20)->{state},
       "accepted", "what was not held goes out by itself");
}

is(delivery($world, $client, $held)->{state}, "held", "what is held waits");

$_->close for map { @$_ } values %clients;
$world->reload;

is_deeply([ map { wait_state($world, $client, $_, "accepted", 20)->{state} }
            @ids ], [ ("accepted") x @ids ],
          "and goes out after a reload");


# --- taken in between -------------------------------------------------------

# Refused twice, further apart than refused=, but one was taken in between.

for (1 .. 2) {
    $sim->reset;
    $sim->mode("expired-403", facility => "99001", count => 2);

    ($id) = send_all(1);
    ok(wait_state($world, $client, $id, "accepted", 20), "refused, accepted");
    is_deeply([ grep { /^held/ } history_of($id) ], [], "and not held");

    my $until = time() + 3;
    wait_for(5, sub { time() > $until });
}


# --- the metric -------------------------------------------------------------

cmp_ok($world->metric("ehr_partner_logins_total"), ">=", 5,
       "log-ins are counted");

$_->close for map { @$_ } values %clients;
$world->finish;
done_testing();
