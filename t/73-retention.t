#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Retention frees the disk, end to end: what was delivered is past its time,
# and the journal's file is smaller by it.  What is not delivered, held, or
# uncertain stays, its bytes too, whatever its age, and is delivered later; so
# does the record of newer content, which keeps it from being sent after it.
# What has lost its bytes is not sent again, and stays what it was.

use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Delivery qw(accepted_id delivery wait_state);
use EHR::Document;
use EHR::Util qw(build run wait_for);
use EHR::World;

use constant {
    MB    => 1 << 20,
    MANY  => 40,
    NOISE => 600_000,       # of each of them; packing takes a quarter off
};

# A partner that is down is asked again after a second; the stand-in cannot
# be asked what became of a notice.

my $world = EHR::World->new(
    redis        => 0,
    partner      => "retry=1s,2s",
    standin      => "retry=20ms,100ms",
    read_timeout => "5s",
);

$world->start;
$world->enrol("99001");

my $sim = $world->sim;
my $client = $world->client("99001");


# Comments that no packing makes much shorter.

sub large {
    open(my $random, "<:raw", "/dev/urandom") or die "no /dev/urandom: $!";
    read($random, my $noise, NOISE * 3 / 4);
    $noise = encode_base64($noise, "") =~ s/(.{2000})/<!-- $1 -->\n/gr;

    return EHR::Document->checkin(facility => "99001", whole => sub {
        return $_[0] =~ s{(</\w+>\s*)\z}{$noise$1}r;
    });
}


sub sent { return accepted_id($world->submit($client, @_)) }
sub checkin { return EHR::Document->checkin(facility => "99001", @_) }


sub content_of {
    my ($id) = @_;

    return $world->get($client, "/v1/documents/$id/content");
}


# The log beside it is used again and stays as long as it is.

sub size { return -s $world->journal }


# --- a full journal ---------------------------------------------------------

my @gone = map { sent(large()) } 1 .. MANY;
ok(!(grep { !wait_state($world, $client, $_, "accepted", 30) } @gone),
   "much is delivered");

$world->standin->mode("lost", count => 1);
my $notice = EHR::Document->notice(facility => "99001");
my $uncertain = sent($notice);
ok(wait_state($world, $client, $uncertain, "uncertain", 20),
   "one is uncertain");

my $corrected = sent(EHR::Document->raw(
    $notice->bytes =~ s{(</\w+>\s*)\z}{<!-- corrected -->$1}r,
    key => $notice->key));
ok(wait_state($world, $client, $corrected, "accepted", 20),
   "and its correction is accepted");

$sim->mode("http-503");
my %kept = map { $_ => checkin() } qw(held retrying);
my %id = map { $_ => sent($kept{$_}) } keys %kept;
ok(wait_state($world, $client, $id{$_}, "retrying|pending", 20),
   "$_: not delivered") for sort keys %id;
$kept{uncertain} = $notice;
$id{uncertain} = $uncertain;

ok(wait_for(20, sub {
    my $res = $world->admin("POST", "/admin/v1/documents/hold",
                            { id => $id{held}, reason => "test" });
    return $res->status == 200;
}), "one is held by a person");

ok(wait_for(20, sub {
    run("sqlite3", "-cmd", ".timeout 5000", $world->journal,
        "PRAGMA wal_checkpoint(PASSIVE)");
    return size() > 15 * MB;
}), "the journal is large") or diag(size());


# --- what is past its time ---------------------------------------------------

$world->reconfigure(http => "ehr_retention default content=1s;");
$client = $world->client("99001");

ok(wait_for(60, sub { content_of($gone[-1])->status == 410 }),
   "the bytes of what was delivered go");
is(scalar(grep { content_of($_)->status == 410 } @gone), MANY, "all of them");
is($world->get($client, "/v1/documents/$gone[0]")->status, 200,
   "their records stay");

# Some 8 MB are kept for use.

ok(wait_for(60, sub { size() < 12 * MB }), "and the file is smaller by them")
    or diag(size());

for my $name (sort keys %id) {
    my $res = content_of($id{$name});

    is($res->status, 200, "$name: its bytes stay");
    ok($res->body eq $kept{$name}->bytes, "$name: to the last one");
}


# --- nothing to send again ---------------------------------------------------

sub replay {
    my ($json, $query, @headers) = @_;

    return $world->admin("POST",
        "/admin/v1/documents/replay" . ($query // ""),
        { reason => "test", %$json }, @headers);
}


my %accepted = (filter => { partner => "insurance", state => "accepted" },
                rate => 1000);
my %forced = (id => $gone[0], force => JSON::PP::true);
my $res = replay(\%forced);

is($res->status, 409, "what has lost its bytes is not sent again");
like($res->body, qr/Không còn giữ nội dung/, "with the reason");
like(replay(\%forced, "", "Accept-Language" => "en")->body,
     qr/is not kept any more/, "in English as well");

$res = replay(\%accepted, "?dry_run=true")->json;
is("$res->{total} $res->{without_content}", "0 " . MANY,
   "a preview counts it apart");
is(scalar(@{$res->{counts}}) + @{$res->{first}}, 0, "and names none of it");

delete @ENV{grep { /^EHR_(ADMIN|PKI)/ || /^LC_|^LANG/ } keys %ENV};

sub preview {
    local $ENV{LANG} = shift;
    local $ENV{EHR_ADMIN} = "https://127.0.0.1:" . $world->port("admin");
    local $ENV{EHR_PKI} = $world->pki;

    my $command = build() . "/ehrctl document replay --partner insurance"
        . " --state accepted --reason x --dry-run 2>&1";

    return scalar `$command`;
}

like(preview("en_US.UTF-8"), qr/^Without content to send.*: @{[MANY]}$/m,
     "ehrctl says so");
like(preview("vi_VN.UTF-8"), qr/^Không còn nội dung.*: @{[MANY]}$/m,
     "in Vietnamese as well");

my $job = replay(\%accepted)->json;

ok(wait_for(20, sub {
    $job = $world->admin("GET", "/admin/v1/jobs/$job->{id}")->json;
    return $job->{state} eq "done";
}), "a job");
is("$job->{changed} $job->{skipped}", "0 " . MANY, "skips all of it");
is(scalar(grep { delivery($world, $client, $_)->{state} ne "accepted" }
          @gone), 0, "and it is accepted as before");


# --- records -----------------------------------------------------------------

$world->reconfigure(http => "ehr_retention default content=1s record=2s;");
$client = $world->client("99001");

ok(wait_for(60, sub {
    return !grep { $world->get($client, "/v1/documents/$_")->status != 404 }
           @gone;
}), "the records of what was delivered go as well");

is($world->get($client, "/v1/documents/$id{$_}")->json->{id}, $id{$_},
   "$_: its record stays") for sort keys %id;

# Not the newest, and past its time: but the old one would be sent after it.

is(content_of($corrected)->status, 410, "the correction's bytes are gone");
is($world->get($client, "/v1/documents/$corrected")->status, 200,
   "but its record stays while older content is there");
is($world->admin("POST", "/admin/v1/documents/release",
                 { id => $uncertain, reason => "test",
                   force => JSON::PP::true })->status, 409,
   "which is not sent after it");


# --- and later ---------------------------------------------------------------

$world->reconfigure(http => "");
$client = $world->client("99001");
$sim->mode("normal");

is($world->admin("POST", "/admin/v1/documents/release",
                 { id => $id{held}, reason => "test" })->status, 200,
   "what was held is released");
ok(wait_state($world, $client, $id{$_}, "accepted", 30), "$_: delivered")
    for qw(held retrying);
is($world->admin("POST", "/admin/v1/documents/release",
                 { id => $id{uncertain}, as => "accepted",
                   reason => "asked by telephone" })->status, 200,
   "of what is uncertain a person knows");
ok(wait_state($world, $client, $id{uncertain}, "accepted", 10),
   "uncertain: settled");

my %received = map { $_->{sha256} => 1 } $sim->received;
ok($received{$kept{$_}->sha256}, "$_: its partner has it")
    for qw(held retrying);

$world->finish;
done_testing();
