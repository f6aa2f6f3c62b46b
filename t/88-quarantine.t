#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A document that crashes a plugin takes its worker along twice and no third
# time: its delivery is held, or it is refused before anybody looks at it.
# Everybody else's go on.  A worker that was killed is nobody's crash.

use strict;
use warnings;

use JSON::PP qw(encode_json);
use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(delivery decisions accepted_id wait_state);
use EHR::Document;
use EHR::Util qw(build insist run wait_for);
use EHR::World;

my $retry = "retry=20ms,100ms query=50ms,200ms queries=4";

my $world = EHR::World->new(
    sim        => 0,
    crashes    => 1,
    validators => [],
    standin    => "$retry set.query=on set.crash=prepare",
);

$world->allow(qr/exited on signal (6|11)/, qr/quarantined: document=/);
$world->start;
$world->enrol($_) for qw(99001 99002);

my $client = $world->client("99001");
my $other = $world->client("99002");
my $standin = $world->standin;


sub notice { return EHR::Document->notice(facility => "99001", @_) }

sub quarantined {
    my ($what) = @_;

    # A kept connection may have ended with its worker.
    return wait_for(10, sub {
        return $world->metric("ehr_quarantined_total{what=\"$what\"}");
    });
}


# A worker that dies takes connections of others along; the same bytes again
# are safe.

sub sent {
    my ($from, $doc) = @_;

    return accepted_id(insist(sub { $world->submit($from, $doc) }));
}


sub copies {
    my ($id) = @_;

    return scalar grep { $_->{document_id} eq $id } $standin->received;
}


sub reconfigure {
    $_->close for $client, $other;
    $world->reconfigure(@_);
    $client = $world->client("99001");
    $other = $world->client("99002");

    return;
}


sub has_loop {
    return run("sqlite3", "-readonly", "-cmd", ".timeout 5000",
               $world->journal,
               "SELECT count(*) FROM deliveries WHERE state = 'sending'") > 0;
}


# The other worker says so: a connection that the looping one has is given up.

sub is_told {
    my $plugins;

    ok(wait_for(40, sub {
        my $admin = $world->admin_client(undef, timeout => 1);
        my $res = eval { $admin->get("/admin/v1/reports/doctor") };

        $admin->close;
        return unless $res && $res->status == 200;

        ($plugins) = grep { $_->{name} eq "plugins" }
                     @{$res->json->{checks}};
        return $plugins->{state} eq "fail";
    }), "the doctor says that a plugin does not come back");
    like($plugins->{detail}, qr/^in=standin seconds=\d\d+ pid=\d+ document=/,
         "in which process, over which document");

    return;
}


# Once: a second one would be another decision.  The worker that has stored it
# may crash on the document before it has answered.

sub release {
    my ($id) = @_;

    my $res = eval {
        $world->admin_client->request("POST", "/admin/v1/documents/release",
            headers => [ "Content-Type" => "application/json" ],
            body => encode_json({ id => $id, reason => "mended" }));
    };

    return !$res || $res->status == 200;
}


# --- a delivery --------------------------------------------------------------

my @others = map { sent($other, EHR::Document->notice(facility => "99002")) }
             1 .. 5;
my $marked = sent($client, notice(note => "CRASH"));

push @others,
    map { sent($other, EHR::Document->notice(facility => "99002")) } 1 .. 5;

my $held = wait_state($world, $client, $marked, "held", 20);

ok($held, "the marked document is held") or BAIL_OUT("it is not");
is($held->{reason}, "plugin.crashed", "with the reason");
is($held->{attempts}, 2, "after two crashes");
is_deeply([ grep { /crashed/ } decisions($world, $client, $marked) ],
          [ "retrying plugin.crashed", "held plugin.crashed" ],
          "the first one was given another chance");
is(copies($marked), 0, "it never left");
is(quarantined("delivery"), 1, "and is counted");

ok(wait_state($world, $other, $_, "accepted", 20), "another's is delivered")
    for @others;
is((grep { copies($_) == 1 } @others), 10, "each once");
cmp_ok(scalar($world->workers), ">=", 2, "the workers live");

ok(release($marked), "a person releases it");
ok(wait_for(20, sub {
    my $now = delivery($world, $client, $marked);

    return $now->{state} eq "held" && $now->{attempts} == 3;
}), "it crashes as before, once: held again");


# --- a worker that is killed in the middle of a call -------------------------

reconfigure(standin => "$retry set.loop=on");

# ABRT is a signal of crashes, too; but this one comes from outside.

for my $signal (qw(KILL ABRT)) {
    my $looping = sent($client, notice(note => "LOOP"));

    # From the worker that loops comes nothing any more: the workers are asked
    # in the journal, not by one of them.
    $_->close for $client, $other;

    ok(wait_for(20, sub { has_loop() }), "$signal: a plugin works for ever");

    is_told() if $signal eq "KILL";
    $world->kill_worker($_, $signal) for $world->workers;

    is(wait_state($world, $client, $looping, "uncertain", 20)->{reason},
       "worker.lost", "its worker is killed: the document is not blamed");
    is((grep { /crashed/ } decisions($world, $client, $looping)), 0,
       "nobody speaks of a crash");
}


# --- after the answer --------------------------------------------------------

reconfigure(standin => "$retry set.query=on set.crash=judge");

is(delivery($world, $client, $marked)->{state}, "held",
   "a reload alone releases nothing");
ok(release($marked), "with a plugin that is mended there");
ok(wait_for(20, sub { copies($marked) }), "it leaves");
ok(wait_state($world, $client, $marked, qr/uncertain|accepted/, 20),
   "the next crash comes after the answer");
is((grep { $_ eq "uncertain plugin.crashed" }
    decisions($world, $client, $marked)), 1,
   "what may have arrived is uncertain, not sent again");
is(copies($marked), 1, "sent once");

my $judged = sent($client, notice(note => "CRASH"));

ok(wait_state($world, $client, $judged, "accepted", 20),
   "after a first crash the partner is asked, as after any lost answer");
is(copies($judged), 1, "sent once");


# --- a validator -------------------------------------------------------------

reconfigure(validators => [ "birth_notice plugin=" . build()
                            . "/t/plugins/standin.so set.crash=validate" ],
            standin => $retry);

my $bad = notice(note => "CRASH");
my @answers;

for (1 .. 2) {
    push @answers, eval { $world->submit($client, $bad) } ? "answered" : ();
    $client = $world->client("99001");
}

is(scalar(@answers), 0, "two workers crash on it: no answer");

for my $lang (qw(vi en)) {
    my $res = $world->submit($client, $bad, "Accept-Language" => $lang);

    is($res->status, 503, "the third time it is not looked at");
    is($res->code, "document.quarantined", "and the problem says so");
    is($res->header("Retry-After"), 3600, "come back later");
    like($res->json->{detail}, $lang eq "en" ? qr/is not stored/
                                             : qr/ch\x{1b0}a \x{111}\x{1b0}/,
         "in words");
}

is(quarantined("check"), 2, "counted");
is($world->submit($client, notice())->status, 202, "others are accepted");
is($world->submit($other, EHR::Document->notice(facility => "99002"))->status,
   202, "of everybody");

reconfigure(validators => []);
is($world->submit($client, $bad)->status, 202,
   "after a reload it is looked at again");

$world->finish;
done_testing();
