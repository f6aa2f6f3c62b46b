#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A document that may not be sent twice, and an answer that nobody could read:
# the partner is asked what became of it, again and again but not for ever,
# also after a restart, and gets the document a second time only when it said
# itself that it has not got it.  Where it cannot be asked, nothing moves.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(delivery attempts decisions accepted_id wait_state);
use EHR::Document;
use EHR::Util qw(wait_for);
use EHR::World;

my $world = EHR::World->new(
    sim          => 0,
    standin      => "retry=20ms,100ms query=50ms,200ms queries=4"
                  . " set.query=on",
    read_timeout => "1s",
);

$world->start;
$world->enrol("99001");

my $client = $world->client("99001");
my $standin = $world->standin;


sub sent { return accepted_id($world->submit($client, @_)) }
sub notice { return EHR::Document->notice(facility => "99001", @_) }


sub copies {
    my ($id) = @_;

    return scalar grep { $_->{document_id} eq $id } $standin->received;
}


# --- the partner took it, and knows ------------------------------------------

for my $mode (qw(lost lost-500 lost-html lost-close lost-hang)) {
    $standin->mode($mode, count => 1);

    my $id = sent(notice());
    my $delivery = wait_state($world, $client, $id, "accepted");

    ok($delivery, "$mode: asked for, and accepted") or next;
    like($delivery->{partner_ref}, qr/^SI-\d+$/, "$mode: its own reference");
    is(copies($id), 1, "$mode: sent once");
    is($delivery->{attempts}, 1, "$mode: one attempt");

    my @decisions = decisions($world, $client, $id);
    ok((grep { /^uncertain / } @decisions), "$mode: it was uncertain first");
}


# --- the partner has not got it, and says so ---------------------------------

for my $mode (qw(close-early http-500 html)) {
    $standin->mode($mode, count => 1);

    my $id = sent(notice());
    my $delivery = wait_state($world, $client, $id, "accepted");

    ok($delivery, "$mode: absent, sent again, accepted") or next;
    is(copies($id), 1, "$mode: arrived once");
    is($delivery->{attempts}, 2, "$mode: two attempts");

    my @decisions = decisions($world, $client, $id);
    ok((grep { $_ eq "retrying query.absent" } @decisions),
       "$mode: because the partner said so");
}

# What it refused it knows as well.

$standin->mode("refuse-77", count => 1);
is(wait_state($world, $client, sent(notice()), "refused")->{partner_code},
   "77", "a refusal is a refusal");


# --- newer content meanwhile -------------------------------------------------

# The old content is absent, but newer was accepted: it is not sent after it.

$standin->mode("close-early", count => 1);
$standin->mode("query-processing", count => 1);

my $old = notice(key => "70001");
my $old_id = sent($old);

ok(wait_state($world, $client, $old_id, "uncertain"), "nobody knows");

my $new_id = sent(notice(key => "70001", note => "corrected"));

ok(wait_state($world, $client, $new_id, "accepted"),
   "newer content does not wait for it");
is(wait_state($world, $client, $old_id, "superseded")->{reason},
   "content.newer", "and takes its place");
is(copies($old_id), 0, "the old one was not sent after the new one");


# --- bad days of the questions -----------------------------------------------

for my $mode (qw(query-http-500 query-html query-close-early query-reset
                 query-processing)) {
    $standin->mode("lost", count => 1);
    $standin->mode($mode, count => 2);

    my $id = sent(notice());
    my $delivery = wait_state($world, $client, $id, "accepted");

    ok($delivery, "$mode: asked again") or next;
    is(copies($id), 1, "$mode: sent once");
}

# Not for ever: then a person decides.

my $asked = $standin->stats->{queries};

$standin->mode("lost", count => 1);
$standin->mode("query-processing");

my $stuck_id = sent(notice());

ok(wait_for(10, sub {
    return delivery($world, $client, $stuck_id)->{reason}
           eq "query.exhausted";
}), "the questions have an end");
is($standin->stats->{queries}, $asked + 4, "after the number that was set");
is(delivery($world, $client, $stuck_id)->{state}, "uncertain",
   "and what is not known is not said to be known");
is(copies($stuck_id), 1, "sent once");

$standin->mode("normal");


# --- a restart between the answer that was lost and the question -------------

$standin->mode("lost", count => 1);
$standin->mode("query-http-503");

my $restart_id = sent(notice());

ok(wait_state($world, $client, $restart_id, "uncertain"), "uncertain");
$world->restart;
$standin->mode("normal");
$client = $world->client("99001");

ok(wait_state($world, $client, $restart_id, "accepted"),
   "a restart forgets no question");
is(copies($restart_id), 1, "sent once");


# --- a worker that dies after the document has left --------------------------

$standin->mode("slow", delay_ms => 20_000, count => 1);

my $lost_id = sent(notice());

ok(wait_for(10, sub { copies($lost_id) }), "the partner has it");
$world->kill_worker($_) for $world->workers;
ok(wait_state($world, $client, $lost_id, "accepted", 20),
   "its worker died: the partner is asked");
is(copies($lost_id), 1, "sent once");


# Or while it asks.

$standin->mode("lost", count => 1);
$standin->mode("query-slow", delay_ms => 20_000, count => 1);
$asked = $standin->stats->{queries};

my $asking_id = sent(notice());

ok(wait_for(10, sub { $standin->stats->{queries} > $asked }),
   "the partner is asked");
$world->kill_worker($_) for $world->workers;
ok(wait_state($world, $client, $asking_id, "accepted", 20),
   "the worker that asked died: another asks");
is(copies($asking_id), 1, "sent once");


# --- a partner that cannot be asked ------------------------------------------

$client->close;
$world->reconfigure(standin => "retry=20ms,100ms query=50ms,200ms");
$client = $world->client("99001");

$asked = $standin->stats->{queries};
$standin->mode("lost", count => 1);

my $mute_id = sent(notice());

ok(wait_for(10, sub {
    return (grep { $_ eq "uncertain query.none" }
            decisions($world, $client, $mute_id)) ? 1 : undef;
}), "no question is possible: a person decides");
is($standin->stats->{queries}, $asked, "none was asked");
is(copies($mute_id), 1, "sent once");
is(delivery($world, $client, $mute_id)->{next_query_at}, undef,
   "and none will be");


# --- one that is asked later -------------------------------------------------

$client->close;
$world->reconfigure(standin => "retry=20ms,100ms query=1h,2h set.query=on");
$client = $world->client("99001");

$standin->mode("lost", count => 1);
my $later = wait_state($world, $client, sent(notice()), "uncertain");
like($later->{next_query_at}, qr/^\d{4}-.*Z$/,
     "the sender sees when the partner is asked");

is($standin->stats->{repeated}, 0, "nothing was ever sent twice");
cmp_ok($world->metric("ehr_queries_total"), ">", 0, "questions are counted");

$world->finish;
done_testing();
