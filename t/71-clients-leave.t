#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A client that leaves once its body is whole has its document stored, found by
# its key (I5); one that leaves before has left nothing.  However it leaves:
# reset, closed, half-closed, in the handshake, while it waits.  Nothing of it
# stays open in the workers.

use strict;
use warnings;

use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(sleep);

use FindBin qw($Bin);
use lib "$Bin/lib";
use EHR::Document;
use EHR::Util qw(slurp wait_for);
use EHR::World;

use constant {
    EACH      => 5,         # documents for each way and place
    SHAKES    => 20,
    LARGE     => 60_000,    # beyond the buffer: in a file
};

my $world = EHR::World->new(
    gateway  => "client_body_buffer_size 16k;",
    partner  => "retry=50ms,1s concurrency=16",
);

$world->start;
$world->enrol("99001");

my $client = $world->client("99001");
my $token = $world->token($client);


sub checkin { return EHR::Document->checkin(facility => "99001", @_) }


# Blanks at the end are part of the bytes, and of no field.

sub large {
    return checkin(whole => sub { $_[0] . " " x LARGE });
}


sub bytes_of {
    my ($doc, @headers) = @_;

    return join("", $client->request_bytes("POST", "/v1/documents",
        headers => [ "Authorization" => "Bearer $token",
                     "Content-Type" => $doc->type, @headers ],
        body => $doc->bytes));
}


sub found {
    my ($doc) = @_;

    $client->{token} = $token;

    my $res = $world->get($client,
                          "/v1/documents?business_key=" . $doc->key);

    return scalar(@{$res->json->{documents}});
}


# Sockets of the workers, but those between them and their partner.

sub sockets {
    return scalar(grep { (readlink($_) || "") =~ /^socket:/ }
                  map { glob("/proc/$_/fd/*") } $world->workers);
}


# Sends so much of each and goes; a small pause where the rest is to be seen.

sub leave {
    my ($how, $share, @docs) = @_;

    for my $doc (@docs) {
        my $bytes = bytes_of($doc);
        my $one = $world->client("99001")->connect;

        $one->write(substr($bytes, 0, int($share * length $bytes)));
        $one->half_close if $how eq "half-close";

        # What a reset overtakes has never arrived.
        sleep(0.05) if $how ne "close";
        $how eq "reset" ? $one->abort : $one->close;
    }

    return;
}

my %name = (0.03 => "in the headers", 0.7 => "in the body",
            0.999 => "before the last byte");


# --- before it is whole -----------------------------------------------------

my $before = sockets();

for my $how (qw(reset close half-close)) {
    for my $share (sort keys %name) {
        my @docs = (map({ checkin() } 1 .. EACH), large());

        leave($how, $share, @docs);
        is(scalar(grep { found($_) } @docs), 0,
           "$how $name{$share}: nothing is kept");
    }
}

is($world->metric('ehr_documents_total{result="accepted"}'), 0,
   "and nothing was accepted");


# --- once it is -------------------------------------------------------------

my $whole = 0;

for my $how (qw(reset close half-close)) {
    my @docs = (map({ checkin() } 1 .. EACH), large());

    leave($how, 1, @docs);
    $whole += @docs;

    ok(wait_for(10, sub { @docs == grep { found($_) == 1 } @docs }),
       "$how after the body: each is found by its key");
}

# Half-closed is not gone: it may still read.

my $doc = checkin();
my $one = $world->client("99001")->connect;

$one->write(bytes_of($doc));
$one->half_close;
$one->read_response(timeout => 2);
$one->close;
$whole++;

ok(wait_for(10, sub { found($doc) == 1 }), "half-closed and still there");


# --- while it waits ---------------------------------------------------------

$world->sim->mode("slow", delay_ms => 500);

my @docs = map { checkin() } 1 .. 2 * EACH;
my $begun = $world->metric('ehr_waits_total{event="begun"}');
my @waiting = map { $world->client("99001")->connect } @docs;

$waiting[$_]->write(bytes_of($docs[$_], "Prefer" => "wait=60"))
    for 0 .. $#docs;
ok(wait_for(10, sub {
    $world->metric('ehr_waits_total{event="begun"}') - $begun == @docs
}), "clients wait");

$_ % 2 ? $waiting[$_]->abort : $waiting[$_]->close for 0 .. $#waiting;
$world->sim->mode("normal");
$whole += @docs;

is(scalar(grep { found($_) == 1 } @docs), scalar(@docs),
   "who leaves while it waits leaves its document");
ok(wait_for(20, sub {
    $world->metric('ehr_waits_total{event="answered"}')
        + $world->metric('ehr_waits_total{event="over"}')
        == $world->metric('ehr_waits_total{event="begun"}')
}), "and nobody waits for it for ever");


# --- in the handshake -------------------------------------------------------

for my $bytes ("", "\x16", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
               "GET / HTTP/1.1\r\n\r\n")
{
    for my $n (1 .. SHAKES) {
        my $socket = IO::Socket::INET->new(
            PeerAddr => "127.0.0.1", PeerPort => $world->port("gateway"))
            or die "cannot connect: $!";

        syswrite($socket, $bytes) if length $bytes;
        setsockopt($socket, SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
            if $n % 2;
        close($socket);
    }
}

# A session is ours before it is the server's: this client goes in between.

for my $n (1 .. SHAKES) {
    my $shy = $world->client("99001")->connect;
    $n % 2 ? $shy->abort : $shy->close;
}


# --- afterwards -------------------------------------------------------------

is(accepted_now(), $whole, "$whole were accepted, each whole one once");
ok(wait_for(20, sub { $world->sim->stats->{distinct_sha256} == $whole }),
   "and all of them reach the partner");

sub accepted_now {
    return $world->metric('ehr_documents_total{result="accepted"}');
}

my $res = $world->submit($client, checkin());

is($res->status, 202, "the next client is served");
$client->close;
$world->admin("GET", "/admin/v1/facilities");

ok(wait_for(30, sub { sockets() <= $before + 64 }),
   "no connection stays open in a worker")
    or diag("$before before, " . sockets() . " now");
is_deeply([ glob($world->dir . "/tmp/body/*") ], [], "and no file");

$world->finish;
done_testing();
