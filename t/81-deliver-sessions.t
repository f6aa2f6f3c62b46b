#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# One session for each account, on all workers; one log-in at a time; what one
# worker learns of a session, the others know.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(delivery attempts accepted_id submit_all clients
    wait_state seen logins);
use EHR::Document;
use EHR::Util qw(wait_for);
use EHR::World;

use constant {
    WORKERS   => 4,
    DOCUMENTS => 40,
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


# --- the metric -------------------------------------------------------------

cmp_ok($world->metric("ehr_partner_logins_total"), ">=", 5,
       "log-ins are counted");

$_->close for map { @$_ } values %clients;
$world->finish;
done_testing();
