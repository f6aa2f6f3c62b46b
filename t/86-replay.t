#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What a person decides about deliveries: hold, release, replay, one by one or
# by a job with a preview, a speed and a progress that survives kill -9.  What
# may have reached a partner that must not get it twice is sent again only by
# an explicit word for that very document, and old content never after new.

use strict;
use warnings;

use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(delivery attempts decisions accepted_id wait_state);
use EHR::Document;
use EHR::Util qw(wait_for run build);
use EHR::World;

use constant JOB_SIZE => 40;

my $world = EHR::World->new(
    partner      => "retry=20s,60s",
    standin      => "retry=20ms,100ms",
    read_timeout => "1s",
);

$world->start;
$world->enrol($_) for qw(99001 99002);

my $client = $world->client("99001");
my ($sim, $standin) = ($world->sim, $world->standin);


sub sent { return accepted_id($world->submit($client, @_)) }
sub checkin { return EHR::Document->checkin(facility => "99001", @_) }
sub notice { return EHR::Document->notice(facility => "99001", @_) }


sub decide {
    my ($verb, $json, @headers) = @_;

    my $query = @headers && $headers[0] eq "dry" ? shift(@headers) : "";

    return $world->admin("POST", "/admin/v1/documents/$verb"
        . ($query ? "?dry_run=true" : ""), { reason => "test", %$json },
        @headers);
}


# A correction: the same key, other bytes.

sub correction {
    my ($doc) = @_;

    my $bytes = $doc->bytes;
    $bytes =~ s{(</\w+>\s*)\z}{<!-- corrected -->$1};

    return EHR::Document->raw($bytes, key => $doc->key);
}


# --- one document: hold and release ------------------------------------------

$sim->mode("http-503");

my $id = sent(checkin());
ok(wait_state($world, $client, $id, "retrying"), "a delivery waits");

my $res = decide("hold", { id => $id }, "dry");
is($res->status, 200, "a dry run says that it could be held");
is(delivery($world, $client, $id)->{state}, "retrying", "and holds nothing");

$res = $world->admin("GET", "/admin/v1/documents/$id");
my $etag = $res->header("ETag");
like($etag, qr/^"\d+"$/, "a document has a version");

is(decide("hold", { id => $id }, "If-Match" => '"9999"')->status, 412,
   "another version is not held");
is(decide("hold", { id => $id }, "If-Match" => $etag)->status, 200,
   "this one is");

my $delivery = delivery($world, $client, $id);
is("$delivery->{state} $delivery->{reason}", "held person.held",
   "and its sender sees it");
unlike($world->get($client, "/v1/documents/$id")->body, qr/"note"/,
       "but not what the administrator wrote");
like($world->admin("GET", "/admin/v1/documents/$id")->body,
     qr/"note":"test"/, "administrators do");
is(decide("hold", { id => $id })->status, 409, "it cannot be held twice");

$sim->mode("normal");

is(decide("release", { id => $id })->status, 200, "a person releases it");
ok(wait_state($world, $client, $id, "accepted"), "and it is delivered");
is(scalar(grep { $_->{document_id} eq $id } $sim->received), 1, "once");


# --- one document: replay ----------------------------------------------------

is(decide("replay", { id => $id })->status, 200,
   "what was accepted can be sent again where that is safe");
ok(wait_for(10, sub {
    return scalar(grep { $_->{document_id} eq $id } $sim->received) == 2;
}), "with a new attempt");

my @copies = grep { $_->{document_id} eq $id } $sim->received;
is($copies[0]{sha256}, $copies[1]{sha256}, "of the same bytes");
ok(wait_state($world, $client, $id, "accepted"), "accepted again");
ok((grep { $_ eq "retrying person.replayed" }
    decisions($world, $client, $id)), "the history says why");

my $old = checkin();
my $old_id = sent($old);
ok(wait_state($world, $client, $old_id, "accepted"), "an old content");
my $new_id = sent(correction($old));
ok(wait_state($world, $client, $new_id, "accepted"), "and a newer one");
is(decide("replay", { id => $old_id })->status, 409,
   "the old content is not sent after the new one");
is(decide("replay", { id => $new_id })->status, 200, "the newest is");

# Not where it may not be sent twice, unless a person says so.

my $once_id = sent(notice());
ok(wait_state($world, $client, $once_id, "accepted"), "a notice");
is(decide("replay", { id => $once_id })->status, 409,
   "is not sent again just so");
is(decide("replay", { id => $once_id, force => JSON::PP::true })->status, 200,
   "but by a person's word for it");
ok(wait_for(10, sub { $standin->stats->{repeated} == 1 }), "once more");


# --- what is uncertain -------------------------------------------------------

sub uncertain {
    my ($mode) = @_;

    $standin->mode($mode, count => 1);

    my $lost_id = sent(notice());
    ok(wait_state($world, $client, $lost_id, "uncertain"), "$mode: uncertain");

    return $lost_id;
}

my $lost_id = uncertain("lost");

is(decide("release", { id => $lost_id })->status, 409,
   "it is not sent again just so");
is(decide("release", { id => $lost_id, as => "accepted",
                       partner_ref => "SO-123" })->status, 200,
   "a person knows that it arrived");

$delivery = delivery($world, $client, $lost_id);
is("$delivery->{state} $delivery->{partner_ref} $delivery->{reason}",
   "accepted SO-123 person.accepted", "with the partner's reference");

$lost_id = uncertain("close-early");
is(decide("release", { id => $lost_id, force => JSON::PP::true })->status,
   200, "a person knows that it did not arrive");
ok(wait_state($world, $client, $lost_id, "accepted"), "it is sent again");

$lost_id = uncertain("close-early");
is(decide("release", { id => $lost_id, as => "refused" })->status, 200,
   "a person closes it");
is(delivery($world, $client, $lost_id)->{state}, "refused", "for good");
is($standin->stats->{repeated}, 1, "nothing else was sent twice");


# --- what is refused ---------------------------------------------------------

is(decide("release", { id => "01900000-0000-7000-8000-000000000000" })
       ->status, 404, "an unknown document");
is(decide("hold", { id => $id, what => 1 })->status, 400,
   "an unknown member");
is(decide("hold", { filter => {} })->status, 400, "a filter of everything");
is(decide("replay", { filter => { partner => "insurance" } })->status, 400,
   "a replay of everything");
is(decide("replay", { filter => { partner => "standin",
                                  state => "accepted" },
                      force => JSON::PP::true })->status, 400,
   "force is never for many");
is(decide("hold", { filter => { partner => "insurance" }, rate => 0 })
       ->status, 400, "a job that never moves");
is($world->admin("POST", "/admin/v1/documents/hold", { id => $id })->status,
   400, "no reason");

# By a filter nothing is sent again that may not be.

sub job_done {
    my ($number) = @_;

    my $job;

    wait_for(20, sub {
        $job = $world->admin("GET", "/admin/v1/jobs/$number")->json;
        return $job->{state} =~ /done|cancelled/;
    });

    return $job;
}

$res = decide("replay", { filter => { partner => "standin",
                                      state => "accepted" }, rate => 1000 });
is($res->status, 200, "a job");

my $job = job_done($res->json->{id});
is("$job->{changed} $job->{state}", "0 done", "sends no notice again");
cmp_ok($job->{skipped}, ">=", 3, "and says how many it left alone");


# --- many: preview, speed, kill -9, pause ------------------------------------

my %filter = (partner => "insurance", kind => "checkin",
              facility => "99001");

# On a slow machine one from above may have failed once: its time is far.

ok(wait_for(60, sub {
    return decide("hold", { filter => { %filter } }, "dry")->json->{total}
           == 0;
}), "nothing waits any more");

$sim->mode("http-503");

my @ids = map { sent(checkin()) } 1 .. JOB_SIZE;
ok(wait_state($world, $client, $ids[-1], "retrying|pending"), "many wait");

ok(wait_for(20, sub {
    $res = decide("hold", { filter => { %filter } }, "dry");
    return $res->json->{total} == JOB_SIZE;
}), "a preview counts them");
is($res->json->{counts}[0]{facility}, "99001", "by facility");
ok((grep { $_ eq $res->json->{first}[0] } @ids), "and names the first ones");
is(decide("hold", { filter => { %filter, facility => "99002" } }, "dry")
       ->json->{total}, 0, "another facility has none");

$job = job_done(decide("hold", { filter => { %filter }, rate => 1000 })
    ->json->{id});
is("$job->{state} $job->{changed}", "done " . JOB_SIZE, "all are held");

$sim->mode("normal");

my $before = scalar $sim->received;

$job = decide("release", { filter => { %filter, state => "held",
                                       reason => "person.held" },
                           rate => 10 })->json;

ok(wait_for(10, sub {
    return $world->admin("GET", "/admin/v1/jobs/$job->{id}")->json->{changed};
}), "a slow job begins");

$world->kill_worker($_) for $world->workers;

my $now;
ok(wait_for(10, sub {
    my $answer = eval {
        $world->admin("GET", "/admin/v1/jobs/$job->{id}")
    };
    return undef unless $answer && $answer->status == 200;
    $now = $answer->json;
    return $now->{changed} >= 8;
}), "and goes on after kill -9 of every worker");
is($now->{state}, "running", "where it was");

is($world->admin("POST", "/admin/v1/jobs/$job->{id}/pause")->json->{state},
   "paused", "it is paused");
my $paused = $world->admin("GET", "/admin/v1/jobs/$job->{id}")->json;
cmp_ok($paused->{changed}, "<", JOB_SIZE, "half way");

my @held = grep { delivery($world, $client, $_)->{state} eq "held" } @ids;
is(scalar(@held), JOB_SIZE - $paused->{changed},
   "what it says is what it did");

is($world->admin("POST", "/admin/v1/jobs/$job->{id}/resume")->json->{state},
   "running", "it is resumed");

my $done = job_done($job->{id});
is("$done->{state} $done->{changed} $done->{skipped}",
   "done " . JOB_SIZE . " 0", "each delivery is decided once");

ok(wait_for(20, sub { $sim->received == $before + JOB_SIZE }),
   "and all of them go out");
is($world->admin("POST", "/admin/v1/jobs/$job->{id}/cancel")->status, 409,
   "what is done cannot be cancelled");
is($world->admin("GET", "/admin/v1/jobs/999")->status, 404, "no such job");

ok(wait_state($world, $client, $_, "accepted"), "delivered")
    for $ids[0], $ids[-1];


# --- lists -------------------------------------------------------------------

$res = $world->admin("GET",
    "/admin/v1/deliveries?partner=insurance&state=accepted&limit=10");
is(scalar(@{$res->json->{deliveries}}), 10, "a page of deliveries");

my $next = $res->json->{next_cursor};
my %seen = map { $_->{id} => 1 } @{$res->json->{deliveries}};

$res = $world->admin("GET", "/admin/v1/deliveries?partner=insurance"
    . "&state=accepted&limit=10&cursor=$next");
ok(!(grep { $seen{$_->{id}} } @{$res->json->{deliveries}}),
   "the next page has others");
is($world->admin("GET", "/admin/v1/deliveries?state=lost")->status, 400,
   "no such state");

# --- ehrctl ------------------------------------------------------------------

delete @ENV{grep { /^EHR_(ADMIN|PKI)/ || /^LC_|^LANG/ } keys %ENV};
$ENV{LANG} = "en_US.UTF-8";
$ENV{EHR_ADMIN} = "https://127.0.0.1:" . $world->port("admin");
$ENV{EHR_PKI} = $world->pki;

sub ehrctl {
    my (@words) = @_;

    my $command = join(" ", map { "'$_'" } build() . "/ehrctl", @words);
    my $out = `$command 2>&1`;

    return ($? >> 8, $out);
}

my ($status, $out) = ehrctl(qw(document list --partner insurance --state
                               accepted));
is($status, 0, "ehrctl lists deliveries");
like($out, qr/^\Q$id\E +99001 +checkin +insurance +accepted/m, "one a line");

($status, $out) = ehrctl("document", "timeline", $id);
like($out, qr/person\.replayed +test/, "a timeline with the note");

($status, $out) = ehrctl("document", "show", $id, "--output", "json");
is(JSON::PP->new->utf8->decode($out)->{id}, $id, "one as JSON");

($status, $out) = ehrctl("document", "hold", $id, "--reason", "x");
is($status, 1, "what is not possible is status 1");
like($out, qr/present state/, "with the reason");

is((ehrctl("document", "hold", "x", "--reason", "x"))[0], 2, "no id: usage");
is((ehrctl("document", "hold", $id))[0], 2, "no reason: usage");

($status, $out) = ehrctl(qw(document replay --partner insurance --state
                            accepted --reason x --dry-run));
like($out, qr/^insurance +99001 +accepted +4\d$/m, "a preview");

($status, $out) = ehrctl(qw(document replay --partner insurance --state
                            accepted --reason again --rate 1000));
is($status, 0, "a job");
like($out, qr/done, changed 4\d/, "with its progress");

($status, $out) = ehrctl(qw(job list));
like($out, qr/replay +done +4\d/, "and jobs are listed");

my $audit = run("sqlite3", "-readonly", $world->journal,
    "SELECT group_concat(DISTINCT action) FROM audit");
like($audit, qr/\b\Q$_\E\b/, "the audit has $_")
    for qw(document.hold document.release document.replay document.accept
           job.add job.paused job.running);
unlike(run("sqlite3", "-readonly", $world->journal,
           "SELECT group_concat(detail) FROM audit"), qr/test/,
       "and nothing that a person wrote");

$world->finish;
done_testing();
